//! Floor 4: runs the lane state machine against store, channels and clock.
