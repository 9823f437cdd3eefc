//! The types that typed data declares for itself.

use std::collections::BTreeMap;

use alloy_dyn_abi::eip712::{PropertyDef, Resolver, TypeDef};

use super::Refused;
use super::json::Json;

/// Types declared at most.
const MAX_TYPES: usize = 64;
/// Members of a type at most.
const MAX_MEMBERS: usize = 64;
/// Characters of a name at most.
const MAX_NAME: usize = 64;
/// Arrays in each other at most: a bulk order of Seaport's has up to 24.
const MAX_DIMENSIONS: usize = 24;
/// The longest text of a type with all that it is made of: it is hashed for each value of the type.
const MAX_TYPE_TEXT: usize = 8 * 1024;

/// What stands at the root of a type, its arrays aside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Address,
    Bool,
    Text,
    Bytes,
    FixedBytes(usize),
    Uint(usize),
    Int(usize),
    Struct(String),
}

/// A member of a type.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Member {
    pub(super) name: String,
    /// As written.
    pub(super) written: String,
    pub(super) kind: Kind,
    /// Its arrays from the outermost in: the length of each, where it is fixed.
    pub(super) arrays: Vec<Option<usize>>,
}

/// All types, each checked.
#[derive(Clone, Debug)]
pub(super) struct Schema {
    types: BTreeMap<String, Vec<Member>>,
    /// What the text of each comes to at most, with all that it is made of.
    lengths: BTreeMap<String, usize>,
    /// What hashes them.
    pub(super) resolver: Resolver,
}

impl Schema {
    pub(super) fn read(types: &Json) -> Result<Self, Refused> {
        let Json::Object(entries) = types else {
            return Err(Refused::value("types", "an object of types"));
        };
        if entries.len() > MAX_TYPES {
            return Err(Refused::TooManyTypes { limit: MAX_TYPES });
        }
        let mut schema = Self {
            types: BTreeMap::new(),
            lengths: BTreeMap::new(),
            resolver: Resolver::default(),
        };
        for (name, members) in entries {
            if !matches!(parse_kind(name), Some(Kind::Struct(_))) {
                return Err(Refused::type_name(name));
            }
            schema.types.insert(name.clone(), read_members(name, members)?);
        }
        schema.lengths = schema.check()?;
        for (name, members) in &schema.types {
            let members = members
                .iter()
                .map(|member| PropertyDef::new_unchecked(&*member.written, &*member.name))
                .collect();
            schema.resolver.ingest(TypeDef::new_unchecked(name.clone(), members));
        }
        Ok(schema)
    }

    pub(super) fn members(&self, name: &str) -> Option<&[Member]> {
        self.types.get(name).map(Vec::as_slice)
    }

    /// What the type's text comes to at most.
    pub(super) fn length(&self, name: &str) -> Option<usize> {
        self.lengths.get(name).copied()
    }

    /// The type with all that it is made of, as EIP-712 spells it.
    pub(super) fn text(&self, name: &str) -> Result<String, Refused> {
        self.resolver.encode_type(name).map_err(|_| Refused::Encoding)
    }

    /// Every type is declared, none is made of itself, none is too long: as long as this.
    fn check(&self) -> Result<BTreeMap<String, usize>, Refused> {
        let mut lengths = BTreeMap::new();
        for name in self.types.keys() {
            self.measure(name, &mut Vec::new(), &mut lengths)?;
        }
        let owned = |(name, length): (&str, usize)| (name.to_owned(), length);
        Ok(lengths.into_iter().map(owned).collect())
    }

    /// An upper bound of what the type's text comes to, each type looked at once.
    fn measure<'a>(
        &'a self,
        name: &'a str,
        within: &mut Vec<&'a str>,
        lengths: &mut BTreeMap<&'a str, usize>,
    ) -> Result<usize, Refused> {
        if let Some(length) = lengths.get(name) {
            return Ok(*length);
        }
        if within.contains(&name) {
            return Err(Refused::recursive(name));
        }
        let members = self.types.get(name).ok_or_else(|| Refused::type_unknown(name))?;
        within.push(name);
        let mut length = name.len() + 2;
        for member in members {
            length += member.written.len() + member.name.len() + 2;
            if let Kind::Struct(inner) = &member.kind {
                length += self.measure(inner, within, lengths)?;
            }
            if length > MAX_TYPE_TEXT {
                return Err(Refused::TypeTooLong { limit: MAX_TYPE_TEXT });
            }
        }
        within.pop();
        lengths.insert(name, length);
        Ok(length)
    }
}

fn read_members(of: &str, members: &Json) -> Result<Vec<Member>, Refused> {
    let Json::List(members) = members else {
        return Err(Refused::value(of, "a list of members"));
    };
    if members.len() > MAX_MEMBERS {
        return Err(Refused::TooManyMembers { limit: MAX_MEMBERS });
    }
    let mut read: Vec<Member> = Vec::with_capacity(members.len());
    for member in members {
        let member = read_member(of, member)?;
        if read.iter().any(|other| other.name == member.name) {
            return Err(Refused::repeated(&member.name));
        }
        read.push(member);
    }
    Ok(read)
}

fn read_member(of: &str, member: &Json) -> Result<Member, Refused> {
    let wanted = || Refused::value(of, "members of a name and a type");
    let Json::Object(entries) = member else {
        return Err(wanted());
    };
    let (mut name, mut written) = (None, None);
    for (key, value) in entries {
        match (key.as_str(), value) {
            ("name", Json::Text(text)) => name = Some(text),
            ("type", Json::Text(text)) => written = Some(text),
            ("name" | "type", _) => return Err(wanted()),
            _ => return Err(Refused::surplus(key)),
        }
    }
    let (name, written) = (name.ok_or_else(wanted)?, written.ok_or_else(wanted)?);
    if !is_name(name) {
        return Err(Refused::type_name(name));
    }
    let (kind, arrays) = parse_type(written).ok_or_else(|| Refused::type_unknown(written))?;
    Ok(Member {
        name: name.clone(),
        written: written.clone(),
        kind,
        arrays,
    })
}

/// A name of Solidity's: anything else could end the text of a type early and go on with another.
fn is_name(text: &str) -> bool {
    let mut bytes = text.bytes();
    text.len() <= MAX_NAME
        && bytes
            .next()
            .is_some_and(|byte| byte.is_ascii_alphabetic() || matches!(byte, b'_' | b'$'))
        && bytes.all(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'$'))
}

fn parse_type(written: &str) -> Option<(Kind, Vec<Option<usize>>)> {
    let (root, mut rest) = written.find('[').map_or((written, ""), |at| written.split_at(at));
    let mut arrays = Vec::new();
    while !rest.is_empty() {
        let (length, after) = rest.strip_prefix('[')?.split_once(']')?;
        arrays.push(if length.is_empty() {
            None
        } else {
            Some(number(length).filter(|length| *length > 0)?)
        });
        rest = after;
    }
    if arrays.len() > MAX_DIMENSIONS {
        return None;
    }
    // Written from the innermost out.
    arrays.reverse();
    Some((parse_kind(root)?, arrays))
}

/// A built-in type, or the name of a struct. `uint` and `int` without a size are no types of EIP-712, and no name of a struct
/// may look like a built-in one.
fn parse_kind(root: &str) -> Option<Kind> {
    let sized = |prefix: &str| root.strip_prefix(prefix).map(number);
    let of_bits = |bits: Option<usize>| bits.filter(|bits| (8..=256).contains(bits) && bits.is_multiple_of(8));
    match root {
        "address" => return Some(Kind::Address),
        "bool" => return Some(Kind::Bool),
        "string" => return Some(Kind::Text),
        "bytes" => return Some(Kind::Bytes),
        "uint" | "int" | "fixed" | "ufixed" | "function" | "byte" | "tuple" | "mapping" => return None,
        _ => {}
    }
    let digits_follow = |prefix: &str| {
        root.strip_prefix(prefix)
            .is_some_and(|rest| !rest.is_empty() && rest.bytes().all(|byte| byte.is_ascii_digit()))
    };
    if digits_follow("uint") {
        return of_bits(sized("uint")?).map(Kind::Uint);
    }
    if digits_follow("int") {
        return of_bits(sized("int")?).map(Kind::Int);
    }
    if digits_follow("bytes") {
        return sized("bytes")?
            .filter(|bytes| (1..=32).contains(bytes))
            .map(Kind::FixedBytes);
    }
    // `$` stands before `(`: with it the order of names and the order of texts differ, and libraries sort by either.
    let sorts_alike = !root.contains('$');
    (sorts_alike && is_name(root)).then(|| Kind::Struct(root.to_owned()))
}

/// A number in its one spelling.
fn number(text: &str) -> Option<usize> {
    let canonical = text.len() <= 6 && text.bytes().all(|byte| byte.is_ascii_digit()) && !text.starts_with('0');
    canonical.then(|| text.parse().ok()).flatten()
}
