/*
 * The last words of a process whose plugin crashed. Runs in a signal handler: the started images
 * and the call in progress are only read, the line is put together here, and nothing is allocated.
 */
#define _GNU_SOURCE
#include <errno.h>
#include <inttypes.h>
#include <poll.h>
#include <pthread.h>
#include <setjmp.h>
#include <signal.h>
#include <stdint.h>
#include <string.h>
#include <unistd.h>

#include <nylon_ring/nr_crash.h>

#include "image.h"
#include "inside.h"

#define STACK_SIZE 65536 /* of the handler, where the thread's own stack is what has overflowed */

static const struct {
    int number;
    const char *name;
} faults[] = {
    {SIGSEGV, "SIGSEGV"}, {SIGBUS, "SIGBUS"},   {SIGFPE, "SIGFPE"},
    {SIGILL, "SIGILL"},   {SIGABRT, "SIGABRT"},
};
#define FAULTS (sizeof(faults) / sizeof(faults[0]))

/* Written before our handler is installed. */
static struct sigaction former[FAULTS];
static int out;

#define TOLD UINT64_MAX
#define PATIENCE 5000           /* milliseconds for another thread to tell */
static _Atomic uint64_t teller; /* the thread that tells; 0: none; TOLD: it was told */

/* ---- The line ---------------------------------------------------------------------------- */

typedef struct line {
    char text[1024];
    size_t len;
} line_t;

static void add(line_t *line, const char *text) {
    size_t len = strlen(text), room = sizeof(line->text) - 1 - line->len;
    len = len < room ? len : room;
    memcpy(line->text + line->len, text, len);
    line->len += len;
}

static void add_number(line_t *line, uint64_t number, unsigned base) {
    char digits[24];
    size_t at = sizeof(digits) - 1;
    digits[at] = '\0';
    do {
        digits[--at] = "0123456789abcdef"[number % base];
        number /= base;
    } while (number > 0);
    add(line, digits + at);
}

/* On one line, whatever it holds. */
static void add_path(line_t *line, NrStr path) {
    enum { LONGEST = 200 };
    for (size_t i = 0; i < path.len && i < LONGEST; i++) {
        char text[2] = {(char)path.ptr[i], '\0'};
        add(line, path.ptr[i] < ' ' ? "?" : text);
    }
    add(line, path.len > LONGEST ? "..." : "");
}

/* Where in which image; static, because only one thread tells. */
static struct {
    const nr__image_t *image; /* NULL: none was found */
    uintptr_t offset;         /* 0: nobody knows */
} place;

static int is_place(void *data, uintptr_t address) {
    const nr__image_t *image = nr__image_at(address);
    (void)data;
    if (image != NULL) {
        place.image = image;
        place.offset = address - atomic_load_explicit(&image->code, memory_order_relaxed);
    }
    return image != NULL;
}

/* Where no code of an image was found it is the call in progress that counts. 0: there is none
 * either. */
static int tell(const char *signal_name) {
    const nr__inside_t *inside = nr__inside;
    const nr__image_t *image = place.image;
    if (image == NULL && inside != NULL) {
        image = inside->image;
    }
    if (image == NULL) {
        return 0; /* no plugin's doing, as far as can be seen */
    }
    line_t line = {.len = 0};
    add(&line, "nylon-ring: plugin '");
    add(&line, image->name);
    add(&line, "' crashed: ");
    add(&line, signal_name);
    if (place.offset != 0) {
        add(&line, " at ");
        add(&line, image->path);
        add(&line, "+0x");
        add_number(&line, place.offset, 16);
    }
    if (inside != NULL && inside->image == image) {
        add(&line, ", in handle of call ");
        add_number(&line, inside->sid, 10);
        add(&line, " to ");
        add_path(&line, inside->request->path);
    }
    line.text[line.len++] = '\n';
    ssize_t written = write(out, line.text, line.len);
    (void)written; /* nobody is left to be told */
    return 1;
}

/* ---- The signals ------------------------------------------------------------------------- */

static size_t index_of(int number) {
    size_t fault = 0;
    while (faults[fault].number != number) {
        fault++;
    }
    return fault;
}

/* 1: this thread is the one that tells. 0: it was told, by whichever thread crashed first; without
 * the wait the process would end before that one has written. */
static int is_first(void) {
    uint64_t self = nr__thread_number(), nobody = 0;
    for (int turns = 0; turns < PATIENCE; turns++) {
        if (atomic_compare_exchange_strong_explicit(&teller, &nobody, self, memory_order_acquire,
                                                    memory_order_relaxed) ||
            nobody == self) {
            return 1;
        }
        if (nobody == TOLD) {
            return 0;
        }
        nobody = 0;
        poll(NULL, 0, 1);
    }
    return 0;
}

/* Where a fault leads that happens while this reads: who has jumped to nowhere, or was called by
 * code that was compiled at run time, has no stack that can be read, and an image may be
 * overwritten. */
static sigjmp_buf unreadable;
static volatile sig_atomic_t is_reading;

/* 0: it is no plugin's doing. */
static int tell_once(const char *signal_name, const void *context) {
    int told = 1;
    if (!is_first()) {
        return 1;
    }
    place.image = NULL;
    place.offset = 0;
    is_reading = 1;
    if (sigsetjmp(unreadable, 1) == 0) {
        nr__stack_find(context, is_place, NULL);
    }
    if (sigsetjmp(unreadable, 1) == 0) {
        told = tell(signal_name);
    }
    is_reading = 0;
    /* Releases `place` to the next one. */
    atomic_store_explicit(&teller, told ? TOLD : 0, memory_order_release);
    return told;
}

/* Whether a fault is one of `tell_once` itself. */
static int is_own(void) {
    return is_reading && atomic_load_explicit(&teller, memory_order_relaxed) == nr__thread_number();
}

static int is_function(const struct sigaction *action) {
    return action->sa_handler != SIG_DFL && action->sa_handler != SIG_IGN;
}

/* What was there before, as the system would have it by now: a handler that is to be called once is
 * taken away with the first fault that comes to it. */
static struct sigaction take_former(size_t fault) {
    static atomic_int taken[FAULTS];
    struct sigaction before = former[fault];
    if ((before.sa_flags & (int)SA_RESETHAND) != 0 &&
        atomic_exchange_explicit(&taken[fault], 1, memory_order_relaxed)) {
        before = (struct sigaction){.sa_handler = SIG_DFL};
    }
    return before;
}

/* Calls a handler with what the system would block for it. That ends as our own returns, or is the
 * business of who jumps out of the other one. */
static void pass_on(const struct sigaction *to, int number, siginfo_t *info, void *context) {
    sigset_t blocked = to->sa_mask;
    if ((to->sa_flags & SA_NODEFER) == 0) {
        sigaddset(&blocked, number);
    }
    pthread_sigmask(SIG_BLOCK, &blocked, NULL);
    if ((to->sa_flags & SA_SIGINFO) != 0) {
        to->sa_sigaction(number, info, context);
    } else {
        to->sa_handler(number);
    }
}

/* A runtime that lives by faults (for checks of bounds, say) takes its own, and we stay; one that
 * the process ends by comes to whoever was there before, as if we had not been: behind us the
 * faulting instruction runs again, or what was sent is sent again. */
static void on_fault(int number, siginfo_t *info, void *context) {
    int saved = errno;
    size_t fault = index_of(number);
    int told;
    if (is_own()) {
        siglongjmp(unreadable, 1);
    }
    told = tell_once(faults[fault].name, context);
    struct sigaction before = take_former(fault);
    if (told || !is_function(&before)) {
        sigaction(number, &before, NULL);
        if (info->si_code <= 0) { /* by kill, raise, abort */
            raise(number);
        }
    } else {
        pass_on(&before, number, info, context);
    }
    errno = saved;
}

static int is_any(void *data, uintptr_t address) {
    (void)data, (void)address;
    return 1;
}

static void give_stack(void) {
    static char memory[STACK_SIZE];
    stack_t stack;
    if (sigaltstack(NULL, &stack) == 0 && (stack.ss_flags & SS_DISABLE) != 0) {
        stack = (stack_t){.ss_sp = memory, .ss_size = sizeof(memory)};
        sigaltstack(&stack, NULL);
    }
}

void nr_report_crashes(int fd) {
    static atomic_flag done = ATOMIC_FLAG_INIT;
    struct sigaction action = {.sa_sigaction = on_fault,
                               .sa_flags = SA_SIGINFO | SA_ONSTACK | SA_NODEFER};
    if (atomic_flag_test_and_set_explicit(&done, memory_order_relaxed)) {
        return;
    }
    nr__stack_find(NULL, is_any, NULL); /* loads what it needs, which no handler may */
    give_stack();
    out = fd;
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < FAULTS; i++) {
        sigaction(faults[i].number, NULL, &former[i]);
        sigaction(faults[i].number, &action, NULL);
    }
}
