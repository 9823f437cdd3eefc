#![no_std]
//! Shares, epochs, ceremonies and signing as state machines that consume themselves.
