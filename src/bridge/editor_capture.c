/*
 *   descriptors 1, 2 ──▶ pipe ──▶ thread ──▶ text ──▶ wake ──▶ uv_poll ──▶ Lua shows it
 *
 * A thread reads, so that who prints on the loop's thread never waits for that loop. While no line
 * is edited the descriptors are the terminal, for programs that a line starts. Descriptors that are
 * no terminal are left alone.
 */
#define _GNU_SOURCE

#include "editor_capture.h"
#include "editor_terminal.h"

#include <errno.h>
#include <fcntl.h>
#include <lauxlib.h>
#include <poll.h>
#include <pthread.h>
#include <signal.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/ioctl.h>
#include <time.h>
#include <unistd.h>

enum { MOST = 4 * 1024 * 1024, LAST_WORDS_MS = 50, IN_ORDER_MS = 3 };

static struct {
    int real[2]; /* what descriptors 1 and 2 were; -1: left alone */
    int pipe[2];
    int wake[2]; /* readable when text has come */
    int stop[2]; /* readable when the thread is to end */
    int open;
    pthread_t thread;
    volatile sig_atomic_t on;
    atomic_int reading; /* the thread has taken bytes that are not in `text` yet */
    pthread_mutex_t lock;
    char *text; /* under the lock, with the next three */
    size_t len, room, dropped;
} capture = {.lock = PTHREAD_MUTEX_INITIALIZER};

/* ---- The thread ------------------------------------------------------------------------- */

/* Makes room for `len` more bytes; 0 where that is too much. */
static int make_room(size_t len) {
    if (capture.room - capture.len >= len)
        return 1;
    size_t room = (capture.len + len) * 2;
    char *grown = capture.len + len <= MOST ? realloc(capture.text, room) : NULL;
    if (grown == NULL)
        return 0;
    capture.text = grown;
    capture.room = room;
    return 1;
}

static void keep(const char *bytes, size_t len) {
    pthread_mutex_lock(&capture.lock);
    if (make_room(len)) {
        memcpy(capture.text + capture.len, bytes, len);
        capture.len += len;
    } else {
        capture.dropped += len;
    }
    pthread_mutex_unlock(&capture.lock);
}

/* Takes what the pipe holds, at most one piece of it; how much. */
static size_t read_piece(void) {
    char bytes[4096];
    atomic_store_explicit(&capture.reading, 1, memory_order_seq_cst); /* before the pipe is empty */
    ssize_t len = read(capture.pipe[0], bytes, sizeof bytes);
    if (len > 0)
        keep(bytes, (size_t)len);
    atomic_store_explicit(&capture.reading, 0, memory_order_seq_cst);
    return len > 0 ? (size_t)len : 0;
}

static void *drain(void *unused) {
    struct pollfd both[] = {{.fd = capture.pipe[0], .events = POLLIN},
                            {.fd = capture.stop[0], .events = POLLIN}};
    (void)unused;
    for (;;) {
        if (poll(both, 2, -1) < 0) {
            if (errno == EINTR)
                continue;
            return NULL;
        }
        if (both[1].revents != 0)
            return NULL;
        if (both[0].revents != 0 && read_piece() > 0) {
            ssize_t written = write(capture.wake[1], "!", 1);
            (void)written; /* a full pipe says the same */
        }
    }
}

/* Signals are for the loop's thread. */
static int start_thread(void) {
    sigset_t all, before;
    sigfillset(&all);
    pthread_sigmask(SIG_SETMASK, &all, &before);
    int status = pthread_create(&capture.thread, NULL, drain, NULL);
    pthread_sigmask(SIG_SETMASK, &before, NULL);
    return status;
}

/* ---- The descriptors -------------------------------------------------------------------- */

static void close_all(void) {
    int *const pairs[] = {capture.real, capture.pipe, capture.wake, capture.stop};
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        for (int k = 0; k < 2; k++) {
            if (pairs[i][k] >= 0)
                close(pairs[i][k]);
            pairs[i][k] = -1;
        }
    }
}

static void keep_real(void) {
    for (int i = 0; i < 2; i++)
        capture.real[i] = isatty(i + 1) ? fcntl(i + 1, F_DUPFD_CLOEXEC, 3) : -1;
}

static void point(int to_pipe) {
    for (int i = 0; i < 2; i++) {
        if (capture.real[i] >= 0)
            dup2(to_pipe ? capture.pipe[1] : capture.real[i], i + 1);
    }
}

static int open_all(void) {
    int *const pairs[] = {capture.pipe, capture.wake, capture.stop};
    keep_real();
    memset(capture.pipe, -1, sizeof capture.pipe);
    memset(capture.wake, -1, sizeof capture.wake);
    memset(capture.stop, -1, sizeof capture.stop);
    for (size_t i = 0; i < sizeof pairs / sizeof pairs[0]; i++) {
        if (pipe2(pairs[i], O_CLOEXEC) != 0)
            return errno;
    }
    fcntl(capture.wake[0], F_SETFL, O_NONBLOCK);
    fcntl(capture.wake[1], F_SETFL, O_NONBLOCK);
    return start_thread();
}

/* Waits until the thread has put into `text` all that was written, but not for ever. */
static void settle(int patience_ms) {
    const struct timespec moment = {.tv_nsec = 1000000};
    for (int i = 0; i < patience_ms; i++) {
        int waiting = 0;
        ioctl(capture.pipe[0], FIONREAD, &waiting);
        if (waiting == 0 && !atomic_load_explicit(&capture.reading, memory_order_seq_cst))
            return;
        nanosleep(&moment, NULL);
    }
}

void nr__capture_restore(void) {
    if (!capture.on)
        return;
    capture.on = 0;
    point(0);
    settle(LAST_WORDS_MS);
    if (pthread_mutex_trylock(&capture.lock) == 0) {
        nr__terminal_write(capture.real[1] >= 0 ? 2 : 1, capture.text, capture.len);
        capture.len = 0;
        pthread_mutex_unlock(&capture.lock);
    }
}

/* ---- For Lua ---------------------------------------------------------------------------- */

/* open_capture() → the descriptor that becomes readable when text has come; nil, why. */
static int l_open(lua_State *L) {
    int status = capture.open ? EBUSY : open_all();
    if (status != 0) {
        if (!capture.open)
            close_all();
        lua_pushnil(L);
        lua_pushstring(L, strerror(status));
        return 2;
    }
    capture.open = 1;
    setvbuf(stdout, NULL, _IOLBF, BUFSIZ); /* as on a terminal, which a pipe is not */
    lua_pushinteger(L, capture.wake[0]);
    return 1;
}

/* capture(on): from now on descriptors 1 and 2 are captured, or the terminal. */
static int l_capture(lua_State *L) {
    int on = lua_toboolean(L, 1);
    if (!capture.open || on == capture.on)
        return 0;
    fflush(stdout);
    point(on);
    capture.on = on;
    return 0;
}

static void push_text(lua_State *L) {
    pthread_mutex_lock(&capture.lock);
    char *text = capture.text;
    size_t len = capture.len, dropped = capture.dropped;
    capture.text = NULL;
    capture.len = capture.room = capture.dropped = 0;
    pthread_mutex_unlock(&capture.lock);
    lua_pushlstring(L, text != NULL ? text : "", len);
    free(text);
    if (dropped > 0) {
        lua_pushfstring(L, "\n(%d bytes more were written, and dropped)\n", (int)dropped);
        lua_concat(L, 2);
    }
}

/* captured() → what was written since it was last called. */
static int l_captured(lua_State *L) {
    char bytes[64];
    if (capture.on)
        settle(IN_ORDER_MS); /* what is shown next came after it */
    while (capture.open && read(capture.wake[0], bytes, sizeof bytes) > 0)
        continue;
    push_text(L);
    return 1;
}

/* close_capture() → what was not shown yet. */
static int l_close(lua_State *L) {
    if (!capture.open) {
        lua_pushliteral(L, "");
        return 1;
    }
    if (capture.on) {
        fflush(stdout);
        point(0);
        capture.on = 0;
    }
    settle(LAST_WORDS_MS);
    ssize_t written = write(capture.stop[1], "!", 1);
    (void)written; /* an empty pipe has room */
    pthread_join(capture.thread, NULL);
    capture.open = 0;
    close_all();
    push_text(L);
    return 1;
}

void nr__capture_register(lua_State *L) {
    static const luaL_Reg functions[] = {{"open_capture", l_open},
                                         {"capture", l_capture},
                                         {"captured", l_captured},
                                         {"close_capture", l_close},
                                         {NULL, NULL}};
    luaL_register(L, NULL, functions);
}
