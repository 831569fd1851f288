/*
 * A thread that speaks up where Lua is busy and cannot: it writes a line to standard error when the
 * time that was set last is over. It owns nothing of Lua's, and is never joined: it sleeps when the
 * process ends.
 */
#define _GNU_SOURCE

#include "watchdog.h"

#include "process.h"

#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <uv.h>

static struct {
    uv_mutex_t mutex; /* guards what follows, but not `started`, which is the loop's */
    uv_cond_t earlier;
    uint64_t due; /* in uv_hrtime's nanoseconds; 0: nothing is to be said */
    char text[512];
    int started;
} watch;

static void speak_up(void) {
    char text[sizeof watch.text];
    size_t len = strlen(watch.text);
    memcpy(text, watch.text, len);
    watch.due = 0;
    uv_mutex_unlock(&watch.mutex); /* standard error may be slow */
    cli_write_error(text, len);
    uv_mutex_lock(&watch.mutex);
}

/* A later time does not wake it: it looks again when the earlier one is over. */
static void thread_main(void *arg) {
    (void)arg;
    uv_mutex_lock(&watch.mutex);
    for (;;) {
        uint64_t now = uv_hrtime();
        if (watch.due == 0)
            uv_cond_wait(&watch.earlier, &watch.mutex);
        else if (watch.due > now)
            uv_cond_timedwait(&watch.earlier, &watch.mutex, watch.due - now);
        else
            speak_up();
    }
}

/* Signals are for the loop's thread. */
static int start(void) {
    uv_thread_t thread;
    sigset_t all, before;
    if (uv_mutex_init(&watch.mutex) != 0 || uv_cond_init(&watch.earlier) != 0)
        return -1;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = uv_thread_create(&thread, thread_main, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status == 0 ? pthread_detach(thread) : -1;
}

int cli_watchdog(lua_State *L) {
    lua_Number ms = luaL_optnumber(L, 1, 0);
    const char *text = luaL_optstring(L, 2, "");
    if (!watch.started && start() != 0)
        return luaL_error(L, "there is no room for another thread");
    watch.started = 1;
    uv_mutex_lock(&watch.mutex);
    uint64_t before = watch.due;
    watch.due = ms > 0 ? uv_hrtime() + (uint64_t)(ms * 1e6) : 0;
    strncpy(watch.text, text, sizeof watch.text - 1);
    if (watch.due != 0 && (before == 0 || watch.due < before))
        uv_cond_signal(&watch.earlier);
    uv_mutex_unlock(&watch.mutex);
    return 0;
}
