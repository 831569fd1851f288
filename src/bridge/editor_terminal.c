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

static void on_fatal(int signum) {
    nr__terminal_restore();
    signal(signum, SIG_DFL);
    raise(signum);
}

/* Only where nobody else looks: sanitizers and debuggers of the script keep what they have. */
static void catch_fatal(void) {
    static const int fatal[] = {SIGSEGV, SIGBUS, SIGILL, SIGFPE, SIGABRT, SIGQUIT, SIGHUP};
    for (size_t i = 0; i < sizeof fatal / sizeof fatal[0]; i++) {
        struct sigaction action;
        if (sigaction(fatal[i], NULL, &action) != 0 || action.sa_handler != SIG_DFL)
            continue;
        memset(&action, 0, sizeof action);
        action.sa_handler = on_fatal;
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
