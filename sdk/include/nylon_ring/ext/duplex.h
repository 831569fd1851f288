/* nylon.duplex/1, offered by a v1 plugin: input for its streams, as v2 plugins take it. */
#ifndef NYLON_RING_EXT_DUPLEX_H
#define NYLON_RING_EXT_DUPLEX_H

#include "../abi.h"

#ifdef __cplusplus
extern "C" {
#endif

#define NR_EXT_DUPLEX "nylon.duplex/1"

typedef struct NrExtDuplex {
    /* Takes one frame of input for the stream sid, borrowed for the call. NR_BACKPRESSURE: not
     * taken, offer it again later. NULL: the plugin takes no input. [host thread] */
    NrStatus (*stream_data)(void *plugin_ctx, uint64_t sid, NrBytes data);

    /* No more input for the stream sid: the reader has finished or the host gave the stream up. At
     * most once, never after the stream's end. [host thread] */
    NrStatus (*stream_close)(void *plugin_ctx, uint64_t sid);
} NrExtDuplex;

NR_STATIC_ASSERT(sizeof(NrExtDuplex) == 16, "NrExtDuplex");
NR_STATIC_ASSERT(offsetof(NrExtDuplex, stream_data) == 0, "NrExtDuplex.stream_data");
NR_STATIC_ASSERT(offsetof(NrExtDuplex, stream_close) == 8, "NrExtDuplex.stream_close");

#ifdef __cplusplus
}
#endif

#endif
