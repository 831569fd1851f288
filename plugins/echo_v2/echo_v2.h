/* What the files of echo_v2 share. A v2 plugin gets no plugin_ctx back, so its state is the one
 * structure below; each image that is loaded has its own. */
#ifndef ECHO_V2_H
#define ECHO_V2_H

#include <nylon_ring/plugin.h>

#include "worker.h"

typedef struct EchoV2 {
    NrHost host; /* written by init only */
    Worker worker;
} EchoV2;

extern EchoV2 echo_v2;

/* An entry: takes one call as the plugin's handle does. [host thread] */
typedef NrStatus (*EntryHandle)(uint64_t sid, NrBytes payload);

/* answers.c: one answer each, every way that v2 has to hand over a payload. */
NrStatus entry_echo(uint64_t sid, NrBytes payload);
NrStatus entry_thread(uint64_t sid, NrBytes payload);
NrStatus entry_upper(uint64_t sid, NrBytes payload);
NrStatus entry_owned(uint64_t sid, NrBytes payload);
NrStatus entry_lease(uint64_t sid, NrBytes payload);
NrStatus entry_state(uint64_t sid, NrBytes payload);

/* stream.c: frames that stop while the stream is full. */
NrStatus entry_stream(uint64_t sid, NrBytes payload);

/* duplex.c: a stream that takes input. */
NrStatus entry_duplex(uint64_t sid, NrBytes payload);
NrStatus duplex_data(uint64_t sid, NrBytes data);
NrStatus duplex_close(uint64_t sid);
void duplex_forget_all(void);

#endif
