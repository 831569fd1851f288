/* What native tests of plugins share: one plugin in a real host, and its answers as text.
 *
 * A target is a path with its query, "/stream?frames=2", or the entry of a v2 plugin. An answer is
 * written as its status and payload, "0 hello"; what the host ended as "error timeout "; what
 * handle refused as "refused 2"; the frames of a stream with " | " between them. Texts are valid
 * until the next answer. */
#ifndef PLUGIN_SUPPORT_H
#define PLUGIN_SUPPORT_H

#include <setjmp.h>
#include <stdarg.h>
#include <stddef.h>

#include <cmocka.h>

#include "host_loop.h"

/* Loads NR_PLUGIN_DIR/<name>.so into a host of its own. */
void plugin_open(const char *name);

/* Unloads it; fails when it owes results then. */
void plugin_close(void);

/* Unloads it as it is, and frees the host; answers the report. */
nr_unload_report_t plugin_unload(uint64_t grace_ms);

nr_plugin_t *plugin_get(void);
nr_stats_t plugin_stats(void);
host_loop_t *plugin_loop(void);

/* Calls and waits for the answer, for so many milliseconds or without a limit. */
const char *plugin_call(const char *target, const char *body);
const char *plugin_call_within(const char *target, const char *body, uint64_t timeout_ms);

/* Calls again and again until this is the answer; fails after a limit that only a broken host or
 * plugin reaches. */
void plugin_await_answer(const char *target, const char *expected);

/* Waits until the host has refused a frame of the plugin; likewise. */
void plugin_await_backpressure(void);

/* Starts a call that must not be answered inside handle; answers its sid. */
uint64_t plugin_start(const char *target, const char *body);

/* Waits for the next result of a started call. */
const char *plugin_await(void);

/* Opens a stream with this limit of queued frames (0: the default); NULL when handle refused it. */
nr_stream_t *plugin_stream_open(const char *target, const char *body, uint64_t max_frames);

/* Waits for up to `count` frames; stops after an end. */
const char *plugin_stream_take(nr_stream_t *stream, size_t count);

/* Takes frames until the host ends the stream; answers its error, and how many frames there were.
 */
int plugin_stream_fail(nr_stream_t *stream, size_t *frames);

/* Opens a stream, reads it to its end, closes it. */
const char *plugin_stream(const char *target, const char *body);

#endif
