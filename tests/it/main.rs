//! Tests of the product from outside, in one binary.

mod measure_cases;
