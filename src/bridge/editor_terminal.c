/* One terminal a process: that is what there is. */
#define _GNU_SOURCE

#include "editor_terminal.h"
#include "editor_capture.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <signal.h>
#include <stdlib.h>
#include <termios.h>
#include <unistd.h>

enum { PATIENCE_MS = 50 };

static struct {
    int fd;
    int kept;
    volatile sig_atomic_t changed;
    struct termios state;
    int flags;
} terminal;

static const struct {
    int number, is_fault;
} fatal[] = {
    {SIGSEGV, 1}, {SIGBUS, 1}, {SIGILL, 1}, {SIGFPE, 1}, {SIGABRT, 0}, {SIGQUIT, 0}, {SIGHUP, 0},
};
#define FATAL (sizeof fatal / sizeof fatal[0])

static struct sigaction former[FATAL]; /* written before our handler is installed */

/* Sanitizers end the process without a signal. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

/* Bracketed paste off, cursor visible, colours off. */
static const char plain[] = "\033[?2004l\033[?25h\033[0m\r\n";

/* Others may have the same open file, which is not to be left without blocking. */
void nr__terminal_write(int fd, const char *bytes, size_t len) {
    struct pollfd out = {.fd = fd, .events = POLLOUT};
    int flags = fcntl(fd, F_GETFL);
    fcntl(fd, F_SETFL, flags | O_NONBLOCK);
    while (len > 0 && poll(&out, 1, PATIENCE_MS) == 1) {
        ssize_t written = write(fd, bytes, len);
        if (written <= 0)
            break;
        bytes += written;
        len -= (size_t)written;
    }
    fcntl(fd, F_SETFL, flags);
}

void nr__terminal_restore(void) {
    if (!terminal.changed)
        return;
    terminal.changed = 0;
    int saved = errno;
    nr__terminal_write(terminal.fd, plain, sizeof plain - 1);
    tcsetattr(terminal.fd, TCSANOW, &terminal.state);
    fcntl(terminal.fd, F_SETFL, terminal.flags);
    nr__capture_restore();
    errno = saved;
}

static int index_of(int signum) {
    int index = 0;
    while (fatal[index].number != signum)
        index++;
    return index;
}

/* Whoever was there before goes on with it, and writes to the terminal as it should be: by the
 * instruction that runs again behind us, or by the signal that is sent again. */
static void on_fatal(int signum, siginfo_t *info, void *context) {
    (void)context;
    int index = index_of(signum);
    nr__terminal_restore();
    sigaction(signum, &former[index], NULL);
    if (info->si_code <= 0 || !fatal[index].is_fault)
        raise(signum);
}

/* A stack that has overflowed is no place for a handler: where the thread has another one, it is
 * used. */
static void catch_fatal(void) {
    struct sigaction action = {.sa_sigaction = on_fatal, .sa_flags = SA_SIGINFO | SA_ONSTACK};
    sigemptyset(&action.sa_mask);
    for (size_t i = 0; i < FATAL; i++) {
        sigaction(fatal[i].number, NULL, &former[i]);
        if (former[i].sa_handler != SIG_IGN)
            sigaction(fatal[i].number, &action, NULL);
    }
}

int nr__terminal_keep(int fd) {
    if (terminal.kept)
        return 0;
    if (!isatty(fd) || tcgetattr(fd, &terminal.state) != 0)
        return -1;
    terminal.fd = fd;
    terminal.flags = fcntl(fd, F_GETFL);
    terminal.kept = 1;
    atexit(nr__terminal_restore);
    if (__sanitizer_set_death_callback != NULL)
        __sanitizer_set_death_callback(nr__terminal_restore);
    catch_fatal();
    return 0;
}

void nr__terminal_changed(int changed) {
    terminal.changed = changed;
}
