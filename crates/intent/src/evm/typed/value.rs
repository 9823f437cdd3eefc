//! Values of JSON into values of declared types: each has one meaning, or is refused.

use alloy_dyn_abi::DynSolValue;
use alloy_primitives::{B256, I256, Sign, U256, hex};

use super::Refused;
use super::json::Json;
use super::schema::{Kind, Member, Schema};
use crate::evm::address;

/// Values in all at most.
pub(super) const MAX_VALUES: usize = 8_192;
/// Structs among them at most.
pub(super) const MAX_STRUCTS: usize = 1_024;
/// Bytes that their types come to at most: for each struct its type is spelled and hashed anew, with all that it is made of.
pub(super) const MAX_TYPE_TEXTS: usize = 1 << 20;
/// Structs and arrays in each other at most.
pub(super) const MAX_DEPTH: usize = 32;
/// The largest number that every reader of JSON reads as it is written (2^53 - 1).
const MAX_NUMBER: i128 = (1 << 53) - 1;

/// Counts what has been read.
#[derive(Debug, Default)]
pub(super) struct Reader {
    values: usize,
    structs: usize,
    type_texts: usize,
}

impl Reader {
    /// A struct of the type of that name.
    pub(super) fn read_struct(
        &mut self,
        schema: &Schema,
        name: &str,
        value: &Json,
        depth: usize,
    ) -> Result<DynSolValue, Refused> {
        self.structs += 1;
        if self.structs > MAX_STRUCTS {
            return Err(Refused::TooManyValues { limit: MAX_STRUCTS });
        }
        let declared = schema.members(name).zip(schema.length(name));
        let (members, length) = declared.ok_or_else(|| Refused::type_unknown(name))?;
        self.type_texts += length;
        if self.type_texts > MAX_TYPE_TEXTS {
            return Err(Refused::TypesTooLong { limit: MAX_TYPE_TEXTS });
        }
        let Json::Object(entries) = value else {
            return Err(Refused::value(name, "an object"));
        };
        if let Some((key, _)) = entries
            .iter()
            .find(|(key, _)| !members.iter().any(|member| member.name == *key))
        {
            return Err(Refused::surplus(key));
        }
        let mut tuple = Vec::with_capacity(members.len());
        for member in members {
            let entry = entries.iter().find(|(key, _)| *key == member.name);
            let (_, value) = entry.ok_or_else(|| Refused::missing(&member.name))?;
            tuple.push(self.read(schema, member, &member.arrays, value, depth + 1)?);
        }
        Ok(DynSolValue::CustomStruct {
            name: name.to_owned(),
            prop_names: members.iter().map(|member| member.name.clone()).collect(),
            tuple,
        })
    }

    fn read(
        &mut self,
        schema: &Schema,
        member: &Member,
        arrays: &[Option<usize>],
        value: &Json,
        depth: usize,
    ) -> Result<DynSolValue, Refused> {
        self.values += 1;
        if self.values > MAX_VALUES {
            return Err(Refused::TooManyValues { limit: MAX_VALUES });
        }
        if depth > MAX_DEPTH {
            return Err(Refused::TooDeep { limit: MAX_DEPTH });
        }
        let wrong = || Refused::value(&member.name, &member.written);
        let Some((length, inner)) = arrays.split_first() else {
            return match &member.kind {
                Kind::Struct(name) => self.read_struct(schema, name, value, depth),
                _ => simple(member, value),
            };
        };
        let Json::List(values) = value else {
            return Err(wrong());
        };
        if length.is_some_and(|length| length != values.len()) {
            return Err(wrong());
        }
        let values = values
            .iter()
            .map(|value| self.read(schema, member, inner, value, depth + 1))
            .collect::<Result<_, _>>()?;
        Ok(match length {
            Some(_) => DynSolValue::FixedArray(values),
            None => DynSolValue::Array(values),
        })
    }
}

fn simple(member: &Member, value: &Json) -> Result<DynSolValue, Refused> {
    let wrong = || Refused::value(&member.name, &member.written);
    Ok(match (&member.kind, value) {
        (Kind::Bool, Json::Bool(value)) => DynSolValue::Bool(*value),
        (Kind::Text, Json::Text(text)) => DynSolValue::String(text.clone()),
        (Kind::Address, Json::Text(text)) => DynSolValue::Address(address(text).map_err(|fault| Refused::Address {
            name: member.name.clone(),
            fault,
        })?),
        (Kind::Bytes, Json::Text(text)) => DynSolValue::Bytes(bytes(text).ok_or_else(wrong)?),
        (Kind::FixedBytes(size), Json::Text(text)) => {
            let bytes = bytes(text).filter(|bytes| bytes.len() == *size).ok_or_else(wrong)?;
            DynSolValue::FixedBytes(B256::right_padding_from(&bytes), *size)
        }
        (Kind::Uint(bits), _) => {
            let (sign, size) = integer(member, value)?;
            if sign == Sign::Negative || size.bit_len() > *bits {
                return Err(Refused::overflow(&member.name, &member.written));
            }
            DynSolValue::Uint(size, *bits)
        }
        (Kind::Int(bits), _) => {
            let (sign, size) = integer(member, value)?;
            // Two's complement has one number more below zero.
            let limit = (U256::from(1) << (bits - 1)) - U256::from(u8::from(sign == Sign::Positive));
            let number = I256::checked_from_sign_and_abs(sign, size).filter(|_| size <= limit);
            DynSolValue::Int(
                number.ok_or_else(|| Refused::overflow(&member.name, &member.written))?,
                *bits,
            )
        }
        _ => return Err(wrong()),
    })
}

/// A whole number: of JSON where every reader reads it alike, in decimal digits, or in hexadecimal ones after `0x`.
fn integer(member: &Member, value: &Json) -> Result<(Sign, U256), Refused> {
    let wrong = || Refused::value(&member.name, &member.written);
    let text = match value {
        Json::Whole(number) if number.abs() <= MAX_NUMBER => &number.to_string(),
        Json::Whole(_) | Json::OtherNumber => {
            return Err(Refused::Number {
                name: member.name.clone(),
            });
        }
        Json::Text(text) => text,
        _ => return Err(wrong()),
    };
    let (sign, digits) = match text.strip_prefix('-') {
        Some(digits) => (Sign::Negative, digits),
        None => (Sign::Positive, text.as_str()),
    };
    let (digits, radix) = match digits.strip_prefix("0x") {
        Some(digits) => (digits, 16),
        None => (digits, 10),
    };
    let spelled = match radix {
        // A zero before others means octal to some.
        10 => digits == "0" || !digits.starts_with('0'),
        _ => true,
    };
    let in_digits = digits.bytes().all(|byte| char::from(byte).is_digit(radix));
    if digits.is_empty()
        || !in_digits
        || !spelled
        || (sign == Sign::Negative && digits.bytes().all(|byte| byte == b'0'))
    {
        return Err(wrong());
    }
    U256::from_str_radix(digits, radix.into())
        .map(|size| (sign, size))
        .map_err(|_| Refused::overflow(&member.name, &member.written))
}

fn bytes(text: &str) -> Option<Vec<u8>> {
    let digits = text.strip_prefix("0x")?;
    // Decoded once without a prefix: a second one would be let pass.
    digits
        .bytes()
        .all(|byte| byte.is_ascii_hexdigit())
        .then(|| hex::decode(digits).ok())
        .flatten()
}
