//! Floor 1: the lane as a synchronous state machine. Pure.
