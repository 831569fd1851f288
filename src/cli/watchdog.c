/*
 * A thread that speaks up where Lua is busy and cannot: it writes a line to standard error when the
 * time that was set last is over, or leaves. It owns nothing of Lua's, and is never joined: it
 * sleeps when the process ends.
 */
#define _GNU_SOURCE

#include "watchdog.h"

#include "process.h"

#include <lauxlib.h>
#include <pthread.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>
#include <uv.h>

typedef struct {
    uint64_t due; /* in uv_hrtime's nanoseconds; 0: nothing is to be said */
    char text[512];
} alarm_t;

static struct {
    uv_mutex_t mutex; /* guards what follows, but not `started`, which is the loop's */
    uv_cond_t earlier;
    alarm_t warning;
    alarm_t leaving; /* the process ends with it */
    int started;
} watch;

static void speak_up(alarm_t *alarm) {
    char text[sizeof alarm->text];
    size_t len = strlen(alarm->text);
    memcpy(text, alarm->text, len);
    alarm->due = 0;
    uv_mutex_unlock(&watch.mutex); /* standard error may be slow */
    cli_write_error(text, len);
    if (alarm == &watch.leaving)
        _exit(1); /* nobody can be asked to leave in order */
    uv_mutex_lock(&watch.mutex);
}

/* The one that is due first; NULL: none. */
static alarm_t *first_due(void) {
    alarm_t *warning = watch.warning.due != 0 ? &watch.warning : NULL;
    alarm_t *leaving = watch.leaving.due != 0 ? &watch.leaving : NULL;
    if (warning == NULL || leaving == NULL)
        return warning != NULL ? warning : leaving;
    return leaving->due < warning->due ? leaving : warning;
}

/* A later time does not wake it: it looks again when the earlier one is over. */
static void thread_main(void *arg) {
    (void)arg;
    uv_mutex_lock(&watch.mutex);
    for (;;) {
        uint64_t now = uv_hrtime();
        alarm_t *first = first_due();
        if (first == NULL)
            uv_cond_wait(&watch.earlier, &watch.mutex);
        else if (first->due > now)
            uv_cond_timedwait(&watch.earlier, &watch.mutex, first->due - now);
        else
            speak_up(first);
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

/* Takes the milliseconds at `index` and the text after them. */
static void set(lua_State *L, int index, alarm_t *alarm) {
    lua_Number ms = luaL_optnumber(L, index, 0);
    const char *text = luaL_optstring(L, index + 1, "");
    alarm->due = ms > 0 ? uv_hrtime() + (uint64_t)(ms * 1e6) : 0;
    strncpy(alarm->text, text, sizeof alarm->text - 1);
}

int cli_watchdog(lua_State *L) {
    alarm_t warning = {0}, leaving = {0};
    set(L, 1, &warning);
    set(L, 3, &leaving);
    if (!watch.started && start() != 0)
        return luaL_error(L, "there is no room for another thread");
    watch.started = 1;
    uv_mutex_lock(&watch.mutex);
    alarm_t *before = first_due();
    uint64_t due_before = before != NULL ? before->due : 0;
    watch.warning = warning;
    watch.leaving = leaving;
    alarm_t *first = first_due();
    if (first != NULL && (due_before == 0 || first->due < due_before))
        uv_cond_signal(&watch.earlier);
    uv_mutex_unlock(&watch.mutex);
    return 0;
}
