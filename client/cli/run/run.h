/* SPDX-License-Identifier: Apache-2.0
 *
 * `wisp run`: what is sent (input.c, lines.c), how the answer is printed (answer.c), and from file to file (process.c).
 */
#ifndef CLI_RUN_H
#define CLI_RUN_H

#include <stdbool.h>
#include <stdint.h>

#include "base/error.h"
#include "base/json.h"
#include "base/options.h"
#include "client/cli/connection.h"
#include "client/cli/private_daemon.h"
#include "client/cli/screen.h"

/* What -o gets of a model that answers with words or labels (written.h). */
struct written {
    char *name; /* "-": standard output */
    FILE *file; /* in memory, at `bytes` */
    char *bytes;
    size_t length;
    uint64_t lines; /* that have ended */
    size_t rows;    /* of the answer at hand */
};

struct run {
    struct connection connection;
    const char *model_file; /* of --model: a daemon for this call; NULL: the one there is */
    struct private_daemon daemon;
    const char *output;  /* of -o: the file for what the model makes of an input, or the folder for those; NULL */
    const char *overlay; /* of --overlay: the file for the picture with a mask over it; NULL */
    double threshold;    /* of a mask; below 0: the usual one */
    uint64_t min_area;   /* of its objects */
    bool masks;          /* the model answers with masks */
    bool pictures;       /* with those, or with other pictures */
    bool sounds;         /* with recordings */
    bool compresses;     /* pictures, and makes pictures of what it compressed */
    bool writes;         /* with words or labels, and -o is a text file of them */
    struct written written;
    bool json, raw, verbose, tensor, lines;
    uint32_t merged;                 /* recordings of which the model makes one; 1 of any other */
    uint64_t top_k;                  /* 0: not said */
    bool holding;                    /* the labels that hold are printed, however many those are */
    uint64_t beam;                   /* of --beam; 0: as the model has it */
    uint64_t deadline_us;            /* of --deadline; 0: what --timeout says */
    const char *priority_name;       /* of --priority; NULL */
    enum wisp_priority priority;     /* by that name */
    double min;                      /* probability of a label that is printed */
    struct option_list texts, named; /* of --text, and --input */
    const char *target;
    char *only; /* the target that --model found out */
    wisp_model *model;
    wisp_request *request;
    uint32_t rows;          /* of it */
    bool over;              /* no model or no daemon any more: the rest need not be tried */
    bool let_go;            /* of a request whose time ran out: its memory is the daemon's until that has answered it */
    struct screen screen;   /* standard output */
    size_t label_columns;   /* of the model's longest label */
    struct wisp_label *top; /* top_k of them; NULL when the model has no labels */
    bool tags;              /* the model says something of each word */
};

/* One sample: a file, "-", a sentence from the command line, or a line of a file. Or a folder, before folders_open().
 */
struct input {
    const char *name; /* for headings, and for messages if there is no `file` */
    const char *path; /* NULL: `text` is the input */
    const char *text;
    size_t length;
    bool named;       /* the files of --input, which `name` lists */
    const char *file; /* of a line; else NULL */
    uint64_t line;
    char *owned;        /* `path`, of a file in a folder that was named; NULL of any other */
    int no_files;       /* of a folder in which there are none: WISP_E_FORMAT, -errno; 0 of any other */
    const char *wanted; /* then: what it would have had to hold */
    bool whole_name;    /* what it becomes in a folder is called by its ending, too: another would be called the same */
};

/* folders.c: puts in the place of each folder the files in it that such a model takes. The list is then to be given to
 * folders_close(). -ENOMEM, and all is as it was. */
int folders_open(const struct run *run, struct input **inputs, size_t *count);
void folders_close(struct input *inputs, size_t count);
/* Says why a folder has `no_files`, and returns that. */
int folders_refuse(const struct input *folder, struct reason *why);

/* Puts the input's name before a sentence that lacks it; returns `result`. */
int input_refuse(const struct input *input, int result, struct reason *why);

/* A pipe's bytes are gone once they were read. */
bool input_can_be_read_again(const struct input *input);

/* Its bytes, as they are, and a zero behind them; freed by the caller. */
int input_read(const struct input *input, void **bytes, size_t *length, struct reason *why);

/* Writes one sample for the model. On failure `why` holds a sentence that names the input. */
int input_encode(const struct run *run, const struct input *input, void *sample, struct reason *why);

/* named.c: whether --input names every input of the model once, or none has to be named; an exit status. */
int named_check(const struct run *run, const char *verb);
/* Reads their files into the request. A failure names the file. */
int named_read(const struct run *run, struct reason *why);
/* "a=x b=y", for headings; freed by the caller. NULL without memory. */
char *named_text(const struct option_list *words);

/* "float32"; and an element of a tensor. */
const char *dtype_name(enum wisp_dtype dtype);
double tensor_number(const struct wisp_tensor *tensor, const void *data, size_t index);

struct answer {
    const struct input *input;
    struct wisp_timings timings;
    uint64_t wake_ns;   /* how long the answer lay until this program had it; 0: not known, or of several requests */
    uint64_t encode_ns; /* from the file to the tensor, in this process; 0: not measured */
};

/* outputs.c: where -o and --overlay go. What can be said of that before the model is known, and the rest; exit
 * statuses. */
int outputs_check(const struct run *run, struct input *inputs, size_t count, const char *verb);
int outputs_check_model(const struct run *run, struct input *inputs, size_t count, const char *verb);
/* The file that an input becomes; freed by the caller. NULL without memory. */
char *outputs_name(const struct run *run, const struct input *input);

/* process.c: -o, from a file to a file. Whether the input goes that way; and the way, after which `why` has libwisp's
 * sentence. */
bool process_is_for(const struct run *run, const struct input *input);
int process_run(struct run *run, const struct input *input, struct reason *why);

/* --json: what each line begins with; and the line, which ends with how long it took. The reference is taken. */
json_t *answer_json(const struct run *run, const struct input *input);
int answer_print_json(const struct run *run, const struct answer *answer, json_t *object);

/* Prints one answer in the form that the options ask for. WISP_E_INVALID, with libwisp's sentence, when it has no
 * labels because it is no number; -errno of running out of memory. */
int answer_print(struct run *run, const struct answer *answer);

/* Its parts, for answers of another form: what stands above it, how long it took, and the line of --json with a value
 * in it, which is taken over. */
void answer_print_heading(const struct run *run, const struct answer *answer);
void answer_print_timings(const struct run *run, const struct answer *answer);
/* What a person is told where the answer went into a file. */
void answer_print_written(const struct run *run, const struct answer *answer);
int answer_print_object(const struct run *run, const struct answer *answer, const char *key, json_t *value);

/* sending.c: a request for so many samples, to be filled; and what was filled, sent and answered. On failure `why`
 * holds libwisp's sentence; WISP_E_NO_SPACE: there is no memory for so many. */
int run_prepare(struct run *run, uint32_t rows, struct reason *why);
int run_send(struct run *run, struct reason *why);
/* Adds those of the request that was answered, of an answer that takes several. */
void run_add_timings(const struct run *run, struct wisp_timings *sum);

/* --json: the line of an input that failed. */
int answer_print_failure(const struct run *run, const struct input *input, int result, const char *text);

#endif
