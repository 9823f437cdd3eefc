//! Requests, replies, errors and the request signature as plain types, shared by both sides
