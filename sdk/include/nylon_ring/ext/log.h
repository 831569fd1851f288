/* nylon.log/1, offered by the host: lines for whoever operates the program. */
#ifndef NYLON_RING_EXT_LOG_H
#define NYLON_RING_EXT_LOG_H

#include "../abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NR_EXT_LOG "nylon.log/1"

#define NR_LOG_TRACE 0u
#define NR_LOG_DEBUG 1u
#define NR_LOG_INFO 2u
#define NR_LOG_WARN 3u
#define NR_LOG_ERROR 4u

typedef struct NrExtLog {
    /* Hands over one line, borrowed for the call, without a line end. sid names the call it is
     * about, 0 none. The host may drop it by its level. [any thread] */
    void (*log)(void *host_ctx, uint64_t sid, uint32_t level, NrStr message);
} NrExtLog;

NR_STATIC_ASSERT(sizeof(NrExtLog) == 8, "NrExtLog");
NR_STATIC_ASSERT(offsetof(NrExtLog, log) == 0, "NrExtLog.log");

#ifdef __cplusplus
}
#endif

#endif
