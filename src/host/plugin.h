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
    int unloading; /* it is off the list and its last image is going */
    struct nr_plugin *previous, *next;
};

/* A worker's plugins; a field of nr_worker_t. */
typedef struct nr__plugins {
    nr_plugin_t *first, *last;   /* in the order of loading */
    struct nr__retire *retiring; /* images on their way out */
    size_t retiring_len;         /* counts for nr_worker_pending */
} nr__plugins_t;

/* The worker's field; defined with nr_worker_t. [loop] */
nr__plugins_t *nr__worker_plugins(nr_worker_t *worker);

/* Drops all plugins of a worker that is closing, after its calls were given up and while its
 * mailbox still stands: idle images are shut down (waiting a limited time), the others stay mapped.
 * No events come. Frees what the plugins hold. [loop] */
void nr__plugins_close(nr_worker_t *worker);

#endif
