/* SPDX-License-Identifier: Apache-2.0
 *
 * The daemon's configuration: YAML in, one struct out, or a list of everything that is wrong with file:line:column.
 *
 * Strict: an unknown key, a duplicate key, a wrong type, a value out of range, an alias or a tag is an error, and a
 * near miss gets a "did you mean". The schema is a table; docs/man/wispd.yaml.5 is its prose.
 */
#ifndef CONFIG_CONFIG_H
#define CONFIG_CONFIG_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <stdio.h>

#include "base/error.h"
#include "base/log.h"

enum config_loop { CONFIG_LOOP_AUTO, CONFIG_LOOP_URING, CONFIG_LOOP_EPOLL };

#define CONFIG_SPIN_AUTO UINT64_MAX
#define CONFIG_SLOW_AUTO UINT64_MAX

enum { CONFIG_MODELS_MAX = 1024, CONFIG_USERS_MAX = 1024, CONFIG_SHARDS_MAX = 16, CONFIG_THREADS_MAX = 16 };

struct config_model {
    char *path;         /* of the .safetensors file; relative ones are relative to the configuration file */
    char *name;         /* NULL: as the file says */
    bool preferred;     /* `default: true`: answers for its bare processing type and modality */
    uint32_t batch_max; /* samples computed together at most */
    uint64_t wait_ns;   /* 0: natural batching, never wait for more */
    uint64_t time_ns;   /* what a batch takes at most, where users share the model */
    uint64_t slow_ns;   /* its requests that take longer are logged; 0: none; CONFIG_SLOW_AUTO: as log_slow_ns has it */
    unsigned line;      /* where it stands, for later errors */
};

/* What somebody may have who is not everybody (docs/design/scheduling.md). */
struct config_user {
    char *user;         /* a name of the system, or a number */
    uint32_t weight;    /* of his share of time, of SHARE_WEIGHT */
    uint32_t time;      /* percent of a shard's time at most */
    uint32_t under_way; /* requests at once at most */
    unsigned line;
};

struct config {
    char *file; /* NULL: none was read */
    char *socket;
    uint32_t socket_mode; /* 0666 */
    struct config_model *models;
    size_t model_count;
    char *kernels; /* "auto", "scalar", "avx2", "avx512" */
    bool cache;    /* which weight formats are the fastest is kept on disk */
    bool tune;     /* which they are is measured, where it is not known */
    bool rollback; /* so is what was served, to be gone back to */
    enum config_loop loop;
    uint32_t shards;  /* that compute, each for itself, */
    uint32_t threads; /* with so many threads each */
    bool pin;         /* each thread on a processor of its own */
    uint64_t spin_ns; /* CONFIG_SPIN_AUTO */
    enum log_level log_level;
    uint64_t log_slow_ns; /* requests that take longer are logged, of models that say nothing else; 0: none */
    struct {
        uint32_t channels; /* in all */
        uint32_t channels_per_user;
        uint64_t memory_per_user; /* bytes of shared memory */
        uint32_t entries;         /* per ring, at most */
        uint64_t arena;           /* bytes each way, at most */
        uint32_t rows;            /* samples in one request, at most */
        uint32_t time_per_user; /* percent of a shard's time; this and the next: of those whom `users` does not name */
        uint32_t under_way_per_user; /* requests at once */
    } limits;
    struct config_user *users;
    size_t user_count;
};

/* Fills in the defaults. -ENOMEM. */
int config_init(struct config *config);
void config_deinit(struct config *config);

/* The event loop of this name, as the file has them; false: there is none. */
bool config_find_loop(const char *name, enum config_loop *out);

/* A model's defaults; whoever adds one to `models` (of malloc, as its strings are) sets its path. */
void config_model_init(struct config_model *model);
/* And a user's. */
void config_user_init(struct config_user *user);

/* Reads `path` over the defaults. Every error goes to `errors` (may be NULL) as a line "file:line:column: message"; the
 * first is also the reason. WISP_E_CONFIG, for a file that cannot be read too; -ENOMEM. */
int config_read(const char *path, struct config *config, FILE *errors, struct reason *why);

/* For one that is read while another is in force: what only a start can change becomes what it is in the other one, and
 * each such key that differed is a line in `kept` (may be NULL), "limits.channels". -ENOMEM. */
int config_keep(struct config *config, const struct config *running, FILE *kept);

/* Where the configuration is when nobody says: PREFIX/etc/wisp/wispd.yaml, if there is one, for a program in
 * PREFIX/sbin; else /etc/wisp/wispd.yaml, as for the prefix /usr. Valid for ever; for the main thread. */
const char *config_default_path(void);
/* The path for a `program` of that (absolute) path, whether or not the file is there. */
void config_path_beside(const char *program, char *path, size_t capacity);

/* The validator itself, of a private copy of the text; pure, and a fuzz target. `name` is for the messages. */
int config_parse(const char *name, const char *text, size_t length, struct config *config, FILE *errors,
                 struct reason *why);

/* The effective configuration as YAML that config_parse() reads back to the same (`wispd -T`). */
int config_print(const struct config *config, FILE *out);

#endif
