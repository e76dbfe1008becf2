/* LD_PRELOAD: a program's wall clock CLOCK_AHEAD seconds ahead. Monotonic clocks stay as they are, so that no wait is longer or
   shorter. Built and used by tests/it/support/clock.rs. */
#define _GNU_SOURCE
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

int clock_gettime(clockid_t clock, struct timespec *at)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, at);
    const char *ahead = getenv("CLOCK_AHEAD");
    if (!failed && ahead && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        at->tv_sec += atol(ahead);
    return failed;
}
