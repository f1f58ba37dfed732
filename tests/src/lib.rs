//! Whole-system tests of the running program, met from outside.
