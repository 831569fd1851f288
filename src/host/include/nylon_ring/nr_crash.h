/* Crashes of plugins, told: for programs that embed the core. */
#ifndef NYLON_RING_NR_CRASH_H
#define NYLON_RING_NR_CRASH_H

#include "host.h"

#ifdef __cplusplus
extern "C" {
#endif

/* From now on, a fault that ends the process (SIGSEGV, SIGBUS, SIGFPE, SIGILL, SIGABRT) is told in
 * one line on the descriptor `fd`, which stays the caller's and open, when it comes in the code of
 * a plugin, in what that has called, or inside of a `handle`: the plugin, the signal, the place in
 * its file, the call. Then the signal does what it would have done. A fault that is no plugin's
 * doing goes to the handler that was there before. For programs; gives the calling thread an
 * alternate signal stack where it has none. Once a process, later calls do nothing. [any thread] */
NR_API void nr_report_crashes(int fd);

#ifdef __cplusplus
}
#endif

#endif
