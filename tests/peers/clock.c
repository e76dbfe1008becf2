/* LD_PRELOAD: a program's wall clock CLOCK_AHEAD seconds ahead, or as many as the file CLOCK_AHEAD_IN says now. Monotonic clocks stay as they are, so that no wait is longer or
   shorter. Built and used by tests/it/support/clock.rs. */
#define _GNU_SOURCE
#include <fcntl.h>
#include <stdlib.h>
#include <sys/syscall.h>
#include <time.h>
#include <unistd.h>

static long ahead(void)
{
    const char *seconds = getenv("CLOCK_AHEAD"), *in = getenv("CLOCK_AHEAD_IN");
    char text[24] = "";
    int file = in ? open(in, O_RDONLY | O_CLOEXEC) : -1;
    if (file >= 0) {
        if (read(file, text, sizeof text - 1) > 0)
            seconds = text;
        close(file);
    }
    return seconds ? atol(seconds) : 0;
}

int clock_gettime(clockid_t clock, struct timespec *at)
{
    int failed = (int)syscall(SYS_clock_gettime, clock, at);
    if (!failed && (clock == CLOCK_REALTIME || clock == CLOCK_REALTIME_COARSE))
        at->tv_sec += ahead();
    return failed;
}
