/* A worker with the plainest loop there is: a condition variable. It waits for events without
 * sleeping for any time, and fails the test when none comes. */
#ifndef HOST_LOOP_H
#define HOST_LOOP_H

#include <nylon_ring/host.h>

typedef struct host_loop host_loop_t;

host_loop_t *host_loop_new(void);

/* Closes the worker and frees the loop. */
void host_loop_free(host_loop_t *loop);

nr_worker_t *host_loop_worker(host_loop_t *loop);

/* Waits for the next event, at most until a limit that only a broken host reaches. */
void host_loop_next(host_loop_t *loop, nr_event_t *event);

/* 1 when the host has asked that the loop stays alive. */
int host_loop_is_alive(const host_loop_t *loop);

/* Loads a built plugin under a name (NULL: its own); fails the test when that fails. */
nr_plugin_t *host_loop_load(host_loop_t *loop, const char *path, const char *name);

/* Calls `path` of a v1 plugin (or that entry of a v2 one) and answers what nr_call answers. */
int host_loop_call(nr_plugin_t *plugin, const char *path, void *user, nr_result_t *result);

/* Calls and expects an Ok with this text, answered inside `handle`. */
void host_loop_assert_answers(nr_plugin_t *plugin, const char *path, const char *text);

/* Starts a call that the plugin keeps open. */
void host_loop_hold(nr_plugin_t *plugin, void *user);

/* A function that the plugin exports for its tests. */
void (*host_loop_symbol(nr_plugin_t *plugin, const char *name))(void);

/* Waits for the result of that call, with this error, or Ok with this text (NULL: any). */
void host_loop_await_result(host_loop_t *loop, void *user, int error, const char *text);

/* Waits for the end of that unload or reload. */
nr_unload_report_t host_loop_await_report(host_loop_t *loop, void *user);

/* The image is gone, or this is a sanitizer's build and it says so. */
void host_loop_assert_unmapped(const nr_unload_report_t *report);

/* The image stays, for a reason with these words. */
void host_loop_assert_stays(const nr_unload_report_t *report, const char *words);

/* Unloads and waits for the report. */
nr_unload_report_t host_loop_unload(host_loop_t *loop, nr_plugin_t *plugin, uint64_t grace_ms);

#endif
