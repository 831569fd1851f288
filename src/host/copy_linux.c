/*
 * Private copies. The name begins with a dot and holds the process's id and a count: unique here,
 * and a left-over of a process that was killed can be told from one in use. O_EXCL settles what the
 * name does not (a folder that several pid namespaces share).
 */
#define _GNU_SOURCE
#include "copy.h"

#include <errno.h>
#include <fcntl.h>
#include <stdatomic.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#include "error.h"

#define COPY_TRIES 100

static int no_memory(nr_error_t *err) {
    return nr__fail(err, NR_E_NO_MEMORY, "out of memory while a plugin was being opened");
}

int nr__copy_absolute(const char *path, char **out, nr_error_t *err) {
    if (path == NULL || path[0] == '\0') {
        return nr__fail(err, NR_E_INVALID_PATH, "the path is empty: give the plugin's file");
    }
    char *here = NULL;
    if (path[0] != '/') {
        here = getcwd(NULL, 0);
        if (here == NULL) {
            return nr__fail(err, NR_E_SYSTEM,
                            "the working directory is not known (%s): give an absolute path",
                            strerror(errno));
        }
    }
    while (strncmp(path, "./", 2) == 0) {
        path += 2;
    }
    const char *slash = here == NULL || strcmp(here, "/") == 0 ? "" : "/";
    char *absolute = NULL;
    int rc = asprintf(&absolute, "%s%s%s", here != NULL ? here : "", slash, path);
    free(here);
    if (rc < 0) {
        return no_memory(err);
    }
    *out = absolute;
    return 0;
}

/* ---- The original ------------------------------------------------------------------------ */

static int open_failed(const char *path, int cause, nr_error_t *err) {
    switch (cause) {
    case ENOENT:
        return nr__fail(err, NR_E_INVALID_PATH,
                        "there is no file '%s': check the path, and that the plugin was built",
                        path);
    case ENOTDIR:
    case ENAMETOOLONG:
    case ELOOP:
        return nr__fail(err, NR_E_INVALID_PATH, "'%s' is no path to a file (%s): check the path",
                        path, strerror(cause));
    case EACCES:
    case EPERM:
        return nr__fail(err, NR_E_LOAD_FAILED,
                        "'%s' may not be read by this user: allow it with chmod", path);
    default:
        return nr__fail(err, NR_E_SYSTEM, "'%s' can not be opened: %s", path, strerror(cause));
    }
}

/* O_NONBLOCK, because opening a pipe by mistake would wait for its writer. */
static int open_original(const char *path, nr_error_t *err) {
    int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK | O_NOCTTY);
    if (fd < 0) {
        return open_failed(path, errno, err);
    }
    struct stat info;
    if (fstat(fd, &info) != 0) {
        int cause = errno;
        close(fd);
        return open_failed(path, cause, err);
    }
    if (!S_ISREG(info.st_mode)) {
        close(fd);
        return nr__fail(err, NR_E_INVALID_PATH, "'%s' is %s: give the plugin's file", path,
                        S_ISDIR(info.st_mode) ? "a directory" : "not a regular file");
    }
    return fd;
}

/* ---- The copy ---------------------------------------------------------------------------- */

/* Creates an empty file of a new name in `folder`. The descriptor, or -1 with errno; `*path` is set
 * with a descriptor only. */
static int create_copy(const char *folder, size_t folder_len, const char *base, char **path) {
    static atomic_uint count;
    for (int i = 0; i < COPY_TRIES; i++) {
        unsigned number = atomic_fetch_add_explicit(&count, 1, memory_order_relaxed);
        char *name = NULL;
        if (asprintf(&name, "%.*s/.nylon-ring-%ld-%u-%.200s", (int)folder_len, folder,
                     (long)getpid(), number, base) < 0) {
            errno = ENOMEM;
            return -1;
        }
        int fd = open(name, O_RDWR | O_CREAT | O_EXCL | O_CLOEXEC | O_NOFOLLOW, 0700);
        if (fd >= 0) {
            *path = name;
            return fd;
        }
        int cause = errno;
        free(name);
        errno = cause;
        if (cause != EEXIST) {
            return -1;
        }
    }
    return -1;
}

/* As create_copy, in a folder of its own among the temporary files. */
static int create_private(const char *base, nr__copy_t *copy) {
    const char *temporary = getenv("TMPDIR");
    if (temporary == NULL || temporary[0] != '/') {
        temporary = "/tmp";
    }
    char *folder = NULL;
    if (asprintf(&folder, "%s/nylon-ring-XXXXXX", temporary) < 0) {
        errno = ENOMEM;
        return -1;
    }
    if (mkdtemp(folder) == NULL) {
        int cause = errno;
        free(folder);
        errno = cause;
        return -1;
    }
    copy->folder = folder;
    return create_copy(folder, strlen(folder), base, &copy->path);
}

static int can_not_write_here(int cause) {
    return cause == EACCES || cause == EPERM || cause == EROFS || cause == ENOSPC ||
           cause == EDQUOT;
}

static int create(const char *original, nr__copy_t *copy, nr_error_t *err) {
    const char *slash = strrchr(original, '/');
    int fd = create_copy(original, (size_t)(slash - original), slash + 1, &copy->path);
    if (fd < 0 && can_not_write_here(errno)) {
        fd = create_private(slash + 1, copy);
        if (fd < 0) {
            return nr__fail(err, NR_E_LOAD_FAILED,
                            "no private copy of '%s' can be made, neither in its folder nor in a "
                            "temporary one (%s): make one of them writable, or set TMPDIR",
                            original, strerror(errno));
        }
    }
    if (fd < 0) {
        return errno == ENOMEM
                   ? no_memory(err)
                   : nr__fail(err, NR_E_SYSTEM, "no private copy of '%s' can be made: %s", original,
                              strerror(errno));
    }
    return fd;
}

/* 0, or -1 with errno. */
static int write_all(int fd, const char *bytes, size_t len) {
    while (len > 0) {
        ssize_t n = write(fd, bytes, len);
        if (n < 0 && errno != EINTR) {
            return -1;
        }
        if (n > 0) {
            bytes += n;
            len -= (size_t)n;
        }
    }
    return 0;
}

/* 0, or -1 with errno. Owner's rights are set again because a umask may have taken some. */
static int fill(int to, int from) {
    char bytes[1 << 16];
    if (fchmod(to, 0700) != 0) {
        return -1;
    }
    for (;;) {
        ssize_t n = read(from, bytes, sizeof(bytes));
        if (n == 0) {
            return 0;
        }
        if (n < 0 ? errno != EINTR : write_all(to, bytes, (size_t)n) != 0) {
            return -1;
        }
    }
}

int nr__copy_make(const char *original, nr__copy_t *out, nr_error_t *err) {
    int from = open_original(original, err);
    if (from < 0) {
        return from;
    }
    nr__copy_t copy = {0};
    int to = create(original, &copy, err);
    if (to >= 0 && fill(to, from) != 0) {
        int cause = errno;
        close(to);
        to = nr__fail(err, NR_E_SYSTEM, "'%s' can not be copied: %s", original, strerror(cause));
    }
    close(from);
    if (to < 0) {
        nr__copy_remove(&copy);
        nr__copy_free(&copy);
        return to;
    }
    *out = copy;
    return to;
}

void nr__copy_remove(const nr__copy_t *copy) {
    if (copy->path != NULL) {
        unlink(copy->path);
    }
    if (copy->folder != NULL) {
        rmdir(copy->folder);
    }
}

void nr__copy_free(nr__copy_t *copy) {
    free(copy->path);
    free(copy->folder);
    *copy = (nr__copy_t){0};
}
