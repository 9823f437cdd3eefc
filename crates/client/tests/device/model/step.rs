//! What may happen. Numbers that name something are taken modulo how many there are.

use proptest::prelude::*;

/// Who speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Voice {
    /// The machine alone.
    Alone,
    /// The machine, and the recovery words that are typed into it.
    WithWords,
}

/// What becomes of what is sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Road {
    Smooth,
    /// This many requests get through, the next one's reply is lost, and the one after arrives twice.
    Lossy(u8),
    /// The machine is killed after so many moments.
    Killed(u8),
}

#[derive(Debug, Clone)]
pub(crate) enum Step {
    Sign {
        who: u8,
        told: bool,
        road: Road,
    },
    SignText {
        who: u8,
    },
    /// A fee above the operator's limit.
    Overspend {
        who: u8,
    },
    /// The same spend twice, and one in its place.
    SignAgain {
        who: u8,
    },
    /// Other recovery words.
    Replace {
        who: u8,
        voice: Voice,
        road: Road,
    },
    /// Words that were replaced are tried.
    OldWords {
        who: u8,
        what: u8,
    },
    /// The server's clock jumps by so many hours.
    ServerClock(i16),
    /// A machine's clock is off by so many hours.
    MachineClock {
        who: u8,
        hours: i16,
    },
    /// The next step of a change of the KEK.
    ChangeKek,
    /// A machine looks at a server that was restored.
    Bring {
        who: u8,
        road: Road,
    },
    /// The operator opens a share that came back.
    Adopt,
    /// Recovery and a device give the server its share.
    RepairServer {
        who: u8,
    },
    Sync {
        who: u8,
    },
    /// Shows an introduction, has a new machine join by it, and adds or asks for it; at best the new one comes at once.
    Add {
        who: u8,
        voice: Voice,
        road: Road,
        comes: bool,
    },
    Arrive {
        who: u8,
    },
    Strike {
        who: u8,
        whom: u8,
        voice: Voice,
        road: Road,
    },
    Promote {
        who: u8,
        whom: u8,
        voice: Voice,
    },
    /// Agrees to what another asks for.
    Agree {
        who: u8,
        change: u8,
        voice: Voice,
    },
    /// The asker comes back.
    Again {
        change: u8,
        voice: Voice,
    },
    Cancel {
        who: u8,
        change: u8,
    },
    Freeze {
        who: u8,
    },
    Unfreeze {
        who: u8,
        voice: Voice,
        road: Road,
    },
    Rename {
        who: u8,
        whom: u8,
    },
    Refresh {
        who: u8,
        road: Road,
    },
    /// A thief copies a machine, unlocked.
    Steal {
        who: u8,
    },
    HoursPass(u16),
    Restart,
    OperatorAgrees(u8),
    OperatorRefuses(u8),
    /// Somebody in between sends an old request once more.
    Replay(u8),
    Backup,
    Restore {
        which: u8,
        anchor: Kept,
    },
    OperatorLifts {
        many: bool,
    },
    LiftFence {
        who: u8,
        voice: Voice,
    },
    /// A new machine begins to take a lost one's place; the operator may have waived the wait.
    Lose {
        waived: bool,
        road: Road,
    },
    /// It comes back. Where it is cut short, the server may be restored from just before.
    Recover {
        who: u8,
        keep: bool,
        road: Road,
        torn: Option<Kept>,
    },
}

/// What survived beside a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kept {
    Anchor,
    /// Another anchor is begun.
    Nothing,
    /// Nobody says that it was restored: an old copy is put in place, and the server started.
    Unsaid,
}

fn voice() -> impl Strategy<Value = Voice> {
    prop_oneof![2 => Just(Voice::Alone), 1 => Just(Voice::WithWords)]
}

fn road() -> impl Strategy<Value = Road> {
    prop_oneof![
        5 => Just(Road::Smooth),
        1 => (0..6_u8).prop_map(Road::Lossy),
        2 => (0..24_u8).prop_map(Road::Killed),
    ]
}

/// One of a command that takes more moments than most.
fn long_road() -> impl Strategy<Value = Road> {
    prop_oneof![
        3 => Just(Road::Smooth),
        1 => (0..12_u8).prop_map(Road::Lossy),
        3 => (0..48_u8).prop_map(Road::Killed),
    ]
}

/// Any step, the ordinary ones more often.
pub(crate) fn any_step() -> impl Strategy<Value = Step> {
    let n = any::<u8>;
    let devices = prop_oneof![
        5 => (n(), voice(), road(), any::<bool>()).prop_map(|(who, voice, road, comes)| Step::Add { who, voice, road, comes }),
        5 => n().prop_map(|who| Step::Arrive { who }),
        4 => (n(), n(), voice(), road()).prop_map(|(who, whom, voice, road)| Step::Strike { who, whom, voice, road }),
        4 => (n(), n(), voice()).prop_map(|(who, whom, voice)| Step::Promote { who, whom, voice }),
        3 => (n(), n(), voice()).prop_map(|(who, change, voice)| Step::Agree { who, change, voice }),
        5 => (n(), voice()).prop_map(|(change, voice)| Step::Again { change, voice }),
        2 => (n(), n()).prop_map(|(who, change)| Step::Cancel { who, change }),
        2 => n().prop_map(Step::OperatorAgrees),
        1 => n().prop_map(Step::OperatorRefuses),
        1 => (n(), n()).prop_map(|(who, whom)| Step::Rename { who, whom }),
    ];
    let wallet = prop_oneof![
        10 => (n(), any::<bool>(), road()).prop_map(|(who, told, road)| Step::Sign { who, told, road }),
        1 => n().prop_map(|who| Step::SignText { who }),
        1 => n().prop_map(|who| Step::Overspend { who }),
        2 => n().prop_map(|who| Step::SignAgain { who }),
        4 => (n(), voice(), road()).prop_map(|(who, voice, road)| Step::Replace { who, voice, road }),
        2 => (n(), n()).prop_map(|(who, what)| Step::OldWords { who, what }),
        4 => n().prop_map(|who| Step::Sync { who }),
        8 => (n(), road()).prop_map(|(who, road)| Step::Refresh { who, road }),
        2 => n().prop_map(|who| Step::Freeze { who }),
        5 => (n(), voice(), road()).prop_map(|(who, voice, road)| Step::Unfreeze { who, voice, road }),
    ];
    let world = prop_oneof![
        2 => n().prop_map(|who| Step::Steal { who }),
        4 => (1..60_u16).prop_map(Step::HoursPass),
        2 => (160..200_u16).prop_map(Step::HoursPass),
        2 => Just(Step::Restart),
        2 => (-300..300_i16).prop_map(Step::ServerClock),
        2 => (n(), prop_oneof![-300..300_i16, Just(0)]).prop_map(|(who, hours)| Step::MachineClock { who, hours }),
        4 => Just(Step::ChangeKek),
        3 => n().prop_map(Step::Replay),
    ];
    let loss = prop_oneof![
        3 => Just(Step::Backup),
        2 => (n(), kept()).prop_map(|(which, anchor)| Step::Restore { which, anchor }),
        2 => any::<bool>().prop_map(|many| Step::OperatorLifts { many }),
        4 => (n(), voice()).prop_map(|(who, voice)| Step::LiftFence { who, voice }),
        3 => (n(), road()).prop_map(|(who, road)| Step::Bring { who, road }),
        2 => Just(Step::Adopt),
        1 => n().prop_map(|who| Step::RepairServer { who }),
        2 => (any::<bool>(), long_road()).prop_map(|(waived, road)| Step::Lose { waived, road }),
        5 => (n(), any::<bool>(), long_road(), prop::option::weighted(0.3, kept()))
            .prop_map(|(who, keep, road, torn)| Step::Recover { who, keep, road, torn }),
    ];
    prop_oneof![6 => devices, 6 => wallet, 3 => world, 3 => loss]
}

fn kept() -> impl Strategy<Value = Kept> {
    prop_oneof![3 => Just(Kept::Anchor), 2 => Just(Kept::Nothing), 1 => Just(Kept::Unsaid)]
}
