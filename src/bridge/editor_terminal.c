/* Puts the terminal back however the process ends. One terminal a process: that is what there is.
 */
#define _GNU_SOURCE

#include "editor_terminal.h"
#include "editor_capture.h"

#include <errno.h>
#include <signal.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <termios.h>
#include <unistd.h>

static struct {
    int fd;
    int kept;
    volatile sig_atomic_t changed;
    struct termios state;
} terminal;

/* Sanitizers end the process without a signal. */
void __sanitizer_set_death_callback(void (*callback)(void)) __attribute__((weak));

/* Bracketed paste off, cursor visible, colours off. */
static const char plain[] = "\033[?2004l\033[?25h\033[0m\r\n";

void nr__terminal_restore(void) {
    if (!terminal.changed)
        return;
    terminal.changed = 0;
    int saved = errno;
    ssize_t written = write(terminal.fd, plain, sizeof plain - 1);
    (void)written; /* a terminal that is gone needs nothing */
    tcsetattr(terminal.fd, TCSANOW, &terminal.state);
    nr__capture_restore();
    errno = saved;
}

#define FATAL 7
static const int fatal[FATAL] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGHUP};
static struct sigaction former[FATAL]; /* written before our handler is installed */

/* Whoever was there before comes next: the faulting instruction runs again, or what was sent is
 * sent again. */
static void on_fatal(int signum, siginfo_t *info, void *context) {
    (void)context;
    nr__terminal_restore();
    for (size_t i = 0; i < FATAL; i++) {
        if (fatal[i] == signum)
            sigaction(signum, &former[i], NULL);
    }
    if (info->si_code <= 0 || signum == SIGQUIT || signum == SIGHUP)
        raise(signum);
}

static void catch_fatal(void) {
    struct sigaction action;
    memset(&action, 0, sizeof action);
    action.sa_sigaction = on_fatal;
    action.sa_flags = SA_SIGINFO | SA_ONSTACK;
    for (size_t i = 0; i < FATAL; i++) {
        sigaction(fatal[i], NULL, &former[i]);
        if (former[i].sa_handler != SIG_IGN)
            sigaction(fatal[i], &action, NULL);
    }
}

int nr__terminal_keep(int fd) {
    if (terminal.kept)
        return 0;
    if (!isatty(fd) || tcgetattr(fd, &terminal.state) != 0)
        return -1;
    terminal.fd = fd;
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
