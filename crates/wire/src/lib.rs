//! Protobuf messages and fallible conversions to the API's plain types
