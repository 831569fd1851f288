/* nylon.result/1, offered by the host: a v1 plugin answers as a v2 plugin does.
 *
 * The table is abi_v2.h's NrHostVTable2, called with the host_ctx of v1's init. Its answers tell
 * what v1's send_result cannot: NR_BACKPRESSURE for a frame that was not taken, NR_INVALID when
 * nobody waits any more. A plugin may use both tables, also for the same call. */
#ifndef NYLON_RING_EXT_RESULT_H
#define NYLON_RING_EXT_RESULT_H

#include "../abi_v2.h"

#define NR_EXT_RESULT "nylon.result/1"

typedef NrHostVTable2 NrExtResult;

#endif
