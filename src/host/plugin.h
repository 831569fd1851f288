/*
 * A plugin: a name under which a worker knows an image, and the worker's list of them. Everything
 * here belongs to the worker's loop.
 */
#ifndef NR__PLUGIN_H
#define NR__PLUGIN_H

#include "lane.h"

struct nr__retire;

struct nr_plugin {
    nr__lane_t *lane; /* of the current image; first, because every call reads it */
    nr_worker_t *worker;
    char *name;
    uint32_t abi;  /* that was asked for, and is again by a reload */
    int unloading; /* off the list; it stays, so that who still holds it is refused */
    struct nr_plugin *previous, *next;
};

/* A worker's plugins; a field of nr_worker_t. Zeroed: none. */
typedef struct nr__plugins {
    nr_plugin_t *first, *last;   /* in the order of loading */
    nr_plugin_t *unloaded;       /* by `next`; freed when the worker closes */
    struct nr__retire *retiring; /* images on their way out */
    size_t retiring_len;         /* counts for nr_worker_pending */
} nr__plugins_t;

/* Drops all plugins of a worker that is closing, after its calls were given up and while its
 * mailbox is still open: all images are shut down at the same time, waiting for a limited time. No
 * events come. Frees what the worker's plugins hold. [loop] */
void nr__plugins_close(nr_worker_t *worker);

#endif
