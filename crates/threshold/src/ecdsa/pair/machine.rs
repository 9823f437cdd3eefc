//! Both sides of a pair's set-up.

use alloc::{boxed::Box, sync::Arc, vec::Vec};

use dkls23_core::utilities::{
    multiplication::{MulReceiver, MulSender},
    zero_shares::ZeroShare,
};
use rand_core::{CryptoRng, RngCore};
use zeroize::{Zeroize, Zeroizing};

use super::{
    super::{
        curve::Curve,
        curve::index,
        randomness::Fresh,
        said::{Unsigned, check, follows, then},
    },
    PairId, SetUp, Setting, Side, Untested,
    message::{Head, PairAnswer, PairClosing, PairCompletion, PairOpening, SALT},
    multiplication::{Kept, show},
    standing::PROCESS,
};
use crate::{
    Fault, FaultKind,
    create::{Run, names_its_run},
    ecdsa::LIBRARY,
    envelope::{Binding, Purpose, SealPublic, SealSecret},
    hash,
    id::{CeremonyId, KeyKind, Party},
    identity::{Domain, IdentitySecret, Signature64},
    secret::{Secret32, and_wipe},
};

/// In the place of a signature that is still to be made.
const UNSIGNED: Signature64 = Signature64([0; 64]);

/// One side's seed, before both know both.
struct Seed {
    run: Run,
    setting: Setting,
    me: Party,
    other: Party,
    value: Secret32,
    salt: Zeroizing<Vec<u8>>,
    key: SealSecret,
}

impl Seed {
    /// Draws one and commits to it.
    fn draw(
        run: Run,
        setting: Setting,
        (me, other): (Party, Party),
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Self, Head), Fault> {
        let mut fresh = [0; 32];
        rng.fill_bytes(&mut fresh);
        let key = SealSecret::generate(rng);
        let _fresh = Fresh::seeded()?;
        let (value, commitment, salt) = and_wipe(|| {
            let (mut seed, commitment, salt) =
                ZeroShare::generate_seed_with_bound_commitment(&context(run, setting, me, other));
            let value = Secret32::new(seed);
            seed.zeroize();
            (value, commitment, Zeroizing::new(salt))
        });
        let head = Head {
            fresh,
            commitment,
            key: key.public(),
        };
        let seed = Self {
            run,
            setting,
            me,
            other,
            value,
            salt,
            key,
        };
        Ok((seed, head))
    }

    fn binding(&self, from: Party, to: Party) -> Binding {
        Binding {
            wallet: self.run.wallet,
            ceremony: self.run.ceremony,
            epoch_number: self.setting.epoch.number,
            previous: self.setting.epoch,
            kind: KeyKind::Ecdsa,
            from,
            to,
        }
    }

    /// The seed with its salt, for the other.
    fn seal(&self, to: &SealPublic, rng: &mut (impl RngCore + CryptoRng)) -> Result<Vec<u8>, Fault> {
        let mut opened = Zeroizing::new(Vec::with_capacity(32 + SALT));
        opened.extend_from_slice(self.value.expose());
        opened.extend_from_slice(&self.salt);
        to.seal(&self.binding(self.me, self.other), Purpose::PairSeed, &opened, rng)
    }

    /// The other's, against its commitment.
    fn open(&self, head: &Head, sealed: &[u8]) -> Result<Secret32, Fault> {
        let blame = |_| Fault::of(FaultKind::SealedPackage, self.other);
        let binding = self.binding(self.other, self.me);
        let opened = self.key.open(&binding, Purpose::PairSeed, sealed).map_err(blame)?;
        let (seed, salt) = opened
            .split_first_chunk::<32>()
            .ok_or_else(|| Fault::of(FaultKind::SealedPackage, self.other))?;
        let context = context(self.run, self.setting, self.other, self.me);
        if ZeroShare::verify_bound_seed(seed, &context, &head.commitment, salt) {
            Ok(Secret32::new(*seed))
        } else {
            Err(Fault::of(FaultKind::CommitmentReplaced, self.other))
        }
    }
}

fn context(run: Run, setting: Setting, from: Party, to: Party) -> [u8; 32] {
    ZeroShare::seed_context(
        b"twofold/ecdsa/pair",
        &[&run.ceremony.0, &setting.to_bytes()],
        index(from),
        index(to),
    )
}

/// What every number of the set-up is of: of the library's version too, as another may count otherwise.
fn session(run: Run, setting: Setting, asker: &Head, answerer: &Head) -> [u8; 32] {
    let head = |head: &Head| [&head.fresh[..], &head.commitment, head.key.as_bytes()].concat();
    hash::tagged(
        "twofold/ecdsa/pair",
        &[
            LIBRARY,
            &run.ceremony.0,
            &setting.to_bytes(),
            &head(asker),
            &head(answerer),
        ],
    )
}

fn pair_id(session: &[u8; 32], asker: &[u8; 32], answerer: &[u8; 32]) -> PairId {
    PairId(hash::tagged("twofold/ecdsa/pair-id", &[session, asker, answerer]))
}

/// Everything of one side's in one place.
fn untested(
    seed: &Seed,
    theirs: &Secret32,
    id: PairId,
    (sender, receiver): (MulSender<Curve>, MulReceiver<Curve>),
) -> Untested {
    let (mine, others) = (index(seed.me), index(seed.other));
    Untested(and_wipe(|| {
        Arc::new(SetUp {
            setting: seed.setting,
            me: seed.me,
            id,
            seed: ZeroShare::generate_seed_pair(mine, others, seed.value.expose(), theirs.expose()),
            sender,
            receiver,
            state: PROCESS.state(id, seed.me),
        })
    }))
}

/// Asks for a pair. `ceremony` is a fresh name for the run.
pub fn begin(
    setting: Setting,
    ceremony: CeremonyId,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(AwaitAnswer, Unsigned<PairOpening>), Fault> {
    setting.check_two()?;
    let run = Run {
        wallet: setting.wallet,
        ceremony,
    };
    let parties = (setting.asker.party, setting.answerer.party);
    let (seed, head) = Seed::draw(run, setting, parties, rng)?;
    let opening = PairOpening {
        run,
        setting,
        head,
        signature: UNSIGNED,
    };
    let said = then(&[0; 32], &opening.signed());
    Ok((AwaitAnswer { seed, head, said }, Unsigned(opening)))
}

/// Waiting for the answerer's part.
#[must_use]
pub struct AwaitAnswer {
    seed: Seed,
    head: Head,
    said: [u8; 32],
}

impl AwaitAnswer {
    /// Checks it, and shows its own with its seed.
    pub fn receive(
        self,
        answer: &PairAnswer,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(AwaitCompletion, Unsigned<PairClosing>), Fault> {
        let Self { seed, head, said } = self;
        seed.run.check(answer.run, seed.other)?;
        let answerer = &seed.setting.answerer;
        check(answerer, Domain::ECDSA_ANSWER, &answer.signed(), &answer.signature)?;
        follows(answerer, &said, &answer.before)?;
        let session = session(seed.run, seed.setting, &head, &answer.head);
        let (kept, part) = show(seed.me, seed.other, &session)?;
        let multiplications = kept.with(&answer.part)?;
        let closing = PairClosing {
            run: seed.run,
            seed: seed.seal(&answer.head.key, rng)?,
            part,
            before: then(&said, &answer.to_bytes()),
            signature: UNSIGNED,
        };
        let state = AwaitCompletion {
            said: then(&closing.before, &closing.signed()),
            id: pair_id(&session, &closing.part.digest(), &answer.part.digest()),
            theirs: answer.head,
            seed,
            multiplications,
        };
        Ok((state, Unsigned(closing)))
    }
}

/// Waiting for the answerer's seed.
#[must_use]
pub struct AwaitCompletion {
    seed: Seed,
    theirs: Head,
    said: [u8; 32],
    id: PairId,
    multiplications: (MulSender<Curve>, MulReceiver<Curve>),
}

impl AwaitCompletion {
    /// Has its side of the pair, to be tested.
    pub fn receive(self, completion: &PairCompletion) -> Result<Untested, Fault> {
        self.seed.run.check(completion.run, self.seed.other)?;
        let answerer = &self.seed.setting.answerer;
        let signed = completion.signed();
        check(answerer, Domain::ECDSA_ANSWER, &signed, &completion.signature)?;
        follows(answerer, &self.said, &completion.before)?;
        let theirs = self.seed.open(&self.theirs, &completion.seed)?;
        Ok(untested(&self.seed, &theirs, self.id, self.multiplications))
    }
}

/// Answers one who asks for a pair. `setting` is what the answerer itself holds to be so.
pub fn answer(
    setting: Setting,
    opening: &PairOpening,
    identity: &IdentitySecret,
    rng: &mut (impl RngCore + CryptoRng),
) -> Result<(AwaitClosing, PairAnswer), Fault> {
    let Setting {
        asker: Side { party: asker, .. },
        answerer: Side { party: me, .. },
        ..
    } = setting;
    if opening.setting != setting {
        return Err(
            if opening.setting.wallet == setting.wallet && opening.setting.epoch != setting.epoch {
                FaultKind::StaleEpoch.into()
            } else {
                Fault::of(FaultKind::ForeignCeremony, asker)
            },
        );
    }
    setting.check_two()?;
    if identity.public() != setting.answerer.identity {
        return Err(FaultKind::Internal.into());
    }
    // Before it costs anything.
    opening.check(&setting.asker)?;
    let run = opening.run;
    let (seed, head) = Seed::draw(run, setting, (me, asker), rng)?;
    let session = session(run, setting, &opening.head, &head);
    let (kept, part) = show(me, asker, &session)?;
    let part_digest = part.digest();
    let mut answer = PairAnswer {
        run,
        head,
        part,
        before: then(&[0; 32], &opening.signed()),
        signature: UNSIGNED,
    };
    answer.signature = identity.sign(Domain::ECDSA_ANSWER, &answer.signed());
    let state = AwaitClosing {
        seed,
        theirs: opening.head,
        said: then(&answer.before, &answer.to_bytes()),
        session,
        part: part_digest,
        kept,
    };
    Ok((state, answer))
}

/// Waiting for the asker's part and seed.
#[must_use]
pub struct AwaitClosing {
    seed: Seed,
    theirs: Head,
    pub(super) said: [u8; 32],
    session: [u8; 32],
    part: [u8; 32],
    kept: Box<Kept>,
}

impl AwaitClosing {
    /// Checks both and shows its own seed.
    pub fn receive(
        self,
        closing: &PairClosing,
        identity: &IdentitySecret,
        rng: &mut (impl RngCore + CryptoRng),
    ) -> Result<(Untested, PairCompletion), Fault> {
        let Self {
            seed,
            theirs,
            said,
            session,
            part,
            kept,
        } = self;
        seed.run.check(closing.run, seed.other)?;
        if identity.public() != seed.setting.answerer.identity {
            return Err(FaultKind::Internal.into());
        }
        closing.check(&seed.setting.asker)?;
        follows(&seed.setting.asker, &said, &closing.before)?;
        let opened = seed.open(&theirs, &closing.seed)?;
        let multiplications = kept.with(&closing.part)?;
        let mut completion = PairCompletion {
            run: seed.run,
            seed: seed.seal(&theirs.key, rng)?,
            before: then(&said, &closing.signed()),
            signature: UNSIGNED,
        };
        completion.signature = identity.sign(Domain::ECDSA_ANSWER, &completion.signed());
        let id = pair_id(&session, &closing.part.digest(), &part);
        Ok((untested(&seed, &opened, id, multiplications), completion))
    }
}

names_its_run! {
    AwaitAnswer as "pair::AwaitAnswer", seed.run;
    AwaitCompletion as "pair::AwaitCompletion", seed.run;
    AwaitClosing as "pair::AwaitClosing", seed.run;
}

/// The session that `said` would make of it.
#[cfg(test)]
pub(super) fn session_with(asking: &AwaitAnswer, said: &PairAnswer) -> [u8; 32] {
    session(asking.seed.run, asking.seed.setting, &asking.head, &said.head)
}

/// Another seed for who waits, sealed as the answerer's own.
#[cfg(test)]
pub(super) fn reseal(
    waiting: &AwaitCompletion,
    opening: &PairOpening,
    rng: &mut (impl RngCore + CryptoRng),
) -> Vec<u8> {
    let parties = (waiting.seed.other, waiting.seed.me);
    let (other, _) = Seed::draw(waiting.seed.run, waiting.seed.setting, parties, rng).unwrap();
    other.seal(&opening.head.key, rng).unwrap()
}
