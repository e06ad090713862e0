/* SPDX-License-Identifier: Apache-2.0
 *
 * libwisp: run sparse neural networks that wispd serves, through shared memory.
 *
 *     #include <wisp/media.h>
 *
 *     wisp_client *client;
 *     struct wisp_label top[3];
 *     size_t count = 3;
 *
 *     if (wisp_connect(&client, NULL) || wisp_classify_file(client, "image", "photo.png", top, &count, NULL))
 *         fprintf(stderr, "%s\n", wisp_last_error());
 *     else
 *         printf("%s %.1f %%\n", top[0].name, 100 * top[0].probability);
 *     wisp_close(client);
 *
 * That is libwisp-media for the file and libwisp for the rest, which needs libc alone: tensors in, tensors out.
 *
 * Errors. A function that can fail returns int: 0, a negative errno, or a positive WISP_E_* of <wisp/status.h>.
 * wisp_last_error() then holds a sentence for this thread: what is wrong, where, and what to do.
 *
 * Threads. A wisp_client may be used by several threads at once: submitting and reaping take one process-local lock
 * each for well under a microsecond, and waiting holds none. A wisp_model is immutable and may be shared. A
 * wisp_request belongs to one thread at a time. For the lowest latency give each thread a client of its own.
 *
 * Fork. A client does not survive fork(): the child must connect anew; closing the inherited one is safe.
 *
 * Restarts. Inference is pure, so when the daemon restarts the library reconnects (10 ms to 1 s between attempts, with
 * jitter) and resubmits what was under way: the caller sees latency, not an error, until `reconnect_ms` is over. A
 * request that three daemons had when they ended is given up with WISP_E_LOST.
 * Where another model file stands behind the name by then, requests of the one that was found end with WISP_E_CHANGED
 * instead: find it anew, with its labels.
 * Requests keep their buffers: wisp_request_input() and _output() may return new addresses after a reconnect, so ask
 * again rather than keep a pointer across wisp_wait().
 */
#ifndef WISP_H
#define WISP_H

#include <stddef.h>
#include <stdint.h>

#include <wisp/status.h>

#ifdef __cplusplus
extern "C" {
#endif

typedef struct wisp_client wisp_client;
typedef struct wisp_model wisp_model;
typedef struct wisp_request wisp_request;
typedef struct wisp_buffer wisp_buffer;

/* ---- connecting ---- */

/* All zero is the default. `size` is sizeof(struct wisp_options), so that later versions can add fields; with 0 those
 * of version 0.1 count. */
struct wisp_options {
    size_t size;
    const char *socket_path; /* NULL: $WISP_SOCKET, else /run/wisp/wisp.sock, else that of a
                                daemon of this user, $XDG_RUNTIME_DIR/wisp/wisp.sock */
    const char *name;        /* of this program, for the operator; NULL: the process's name */
    uint32_t connect_ms;     /* longest to connect the first time; 0: 5000 */
    uint32_t reconnect_ms;   /* longest to be without a daemon before requests fail; 0: 30000; UINT32_MAX: never wait */
    uint32_t answer_ms;      /* longest that a call waits for the daemon that is given no time, a question or an answer
                                as wisp_infer() does, then WISP_E_TIMEOUT; 0: 10000 for a question that the daemon has
                                got, 60000 for an answer, 600000 for wisp_reload() and wisp_rollback(); UINT32_MAX:
                                without limit */
    uint32_t spin_us;        /* spin this long for an answer before sleeping; 0: chosen for this machine;
                                UINT32_MAX: never spin */
    uint32_t entries;     /* requests under way at most; 0: the daemon's default; UINT32_MAX: none: a client that only
                             asks takes no memory, and gets in where all connections are taken; its requests and
                             pings are WISP_E_INVALID */
    uint64_t input_bytes; /* shared memory for inputs and for outputs; 0: the daemon's default */
    uint64_t output_bytes;
};

/* Connects and shakes hands. *out is to be closed with wisp_close(); on failure it is NULL.
 * WISP_E_NO_DAEMON; WISP_E_DENIED; WISP_E_VERSION; WISP_E_BUSY, when until the end of `connect_ms` the daemon was full
 * or this user's quota used up; WISP_E_TIMEOUT, when it did not answer; or -errno. */
int wisp_connect(wisp_client **out, const struct wisp_options *options);

/* Cancels what is under way and frees everything of the client, its requests included. Accepts NULL; returns NULL. */
wisp_client *wisp_close(wisp_client *client);

/* One round trip through the rings that runs no model: its time in nanoseconds in *ns (may be NULL). */
int wisp_ping(wisp_client *client, uint32_t timeout_ms, uint64_t *ns);

/* The daemon's name and version, as it introduced itself; valid until wisp_close(). */
const char *wisp_server(const wisp_client *client);

/* The last error of this thread, one sentence without a newline; "" when there was none. Valid until the next call. */
const char *wisp_last_error(void);

/* The library's version, "0.1.0". */
const char *wisp_version(void);

/* Requests that may be under way at once: `entries`, or what the daemon gives of them (its limits.entries); 0 of a
 * client that only asks. The same until wisp_close(). */
uint32_t wisp_entries(const wisp_client *client);

/* ---- models ---- */

/* What the daemon serves, as a JSON array, and its state, as a JSON object; to be freed with free(). */
int wisp_list(wisp_client *client, char **json);
int wisp_status(wisp_client *client, char **json);
/* What it has counted, of itself, each model and each user; and who is connected; as JSON objects. A user is told of
 * himself, root of all. WISP_E_VERSION: the daemon is older than these questions. */
int wisp_stats(wisp_client *client, char **json);
int wisp_clients(wisp_client *client, char **json);

/* Has the daemon read its configuration and its models again, and waits until they serve: *text is then a JSON object
 * that says what has changed. WISP_E_CONFIG, WISP_E_FORMAT, -errno: it has refused them, and serves what it served;
 * *text has each thing that is wrong, a line each. To be freed with free(); NULL, when it has not answered:
 * WISP_E_VERSION, from a daemon that cannot; WISP_E_DENIED is for all but root and the daemon's user. It may take
 * minutes: see `answer_ms`. */
int wisp_reload(wisp_client *client, char **text);
/* The same, to the set of models that was served before. WISP_E_NO_MODEL: there is none. */
int wisp_rollback(wisp_client *client, char **text);

/* Finds a model by name, by processing type ("image.classification"), or by modality ("image").
 * WISP_E_NO_MODEL: wisp_last_error() names what there is. */
int wisp_find(wisp_client *client, const char *name, wisp_model **out);

/* Accepts NULL; returns NULL. Requests made for it stay valid. */
wisp_model *wisp_model_free(wisp_model *model);

const char *wisp_model_name(const wisp_model *model);
const char *wisp_model_processing(const wisp_model *model); /* "image.classification" */
const char *wisp_model_identity(const wisp_model *model);   /* the checksum of its file: equal for equal models */
/* Of a model that compresses: what its other half goes by, which makes the sample again of what this one gives, rounded
 * to whole numbers; NULL of any other. */
const char *wisp_model_decoder(const wisp_model *model);
const char *wisp_model_json(const wisp_model *model); /* everything the daemon says of it */

/* Of a model with one input, or one output, of float32, as most have; 0 for any other. */
size_t wisp_model_input_size(const wisp_model *model);  /* floats in one sample */
size_t wisp_model_output_size(const wisp_model *model); /* floats in one sample's answer */
/* Dimensions of one sample, outermost first, at most `capacity` of them; returns how many there are. */
size_t wisp_model_input_shape(const wisp_model *model, uint32_t *dimensions, size_t capacity);
size_t wisp_model_output_shape(const wisp_model *model, uint32_t *dimensions, size_t capacity);

/* Of any model: its inputs and outputs, by number from 0. */
enum wisp_dtype { WISP_FLOAT32 = 0, WISP_INT32 = 1, WISP_UINT8 = 2 };

struct wisp_tensor {
    const char *name; /* this and the dimensions are the model's */
    enum wisp_dtype dtype;
    size_t rank;
    const uint32_t *dimensions; /* `rank` of them, of one sample, outermost first */
    size_t elements, bytes;     /* of one sample */
};

size_t wisp_model_input_count(const wisp_model *model);
size_t wisp_model_output_count(const wisp_model *model);
int wisp_model_input(const wisp_model *model, size_t index, struct wisp_tensor *tensor); /* WISP_E_INVALID: no such */
int wisp_model_output(const wisp_model *model, size_t index, struct wisp_tensor *tensor);
size_t wisp_model_find_input(const wisp_model *model, const char *name); /* its number; how many there are: none */
size_t wisp_model_find_output(const wisp_model *model, const char *name);

/* Of the first output. */
size_t wisp_model_label_count(const wisp_model *model);
const char *wisp_model_label(const wisp_model *model, size_t index); /* NULL past the end */
/* From which probability on a label holds, of a model whose labels hold each by itself, and that says so; else 0. */
float wisp_model_threshold(const wisp_model *model, size_t index);

/* ---- requests ---- */

/* Reserves shared memory for `rows` samples and their answers. A request may be submitted any number of times, one at a
 * time. WISP_E_NO_SPACE when the client's shared memory is used up. */
int wisp_request_new(wisp_client *client, const wisp_model *model, uint32_t rows, wisp_request **out);

/* Releases it, and never waits: one under way is cancelled, and its memory comes back when the daemon is done with it.
 * Accepts NULL; returns NULL. */
wisp_request *wisp_request_free(wisp_request *request);

/* Where the samples go, rows x input size, row-major, in shared memory; and the answers, rows x output size, valid
 * between a successful wait and the next submit: after one without success some may stand there, and none counts. Not
 * to be touched while under way. */
float *wisp_request_input(wisp_request *request);
const float *wisp_request_output(const wisp_request *request);

/* The same for any model, of the input or output of that number: rows x its elements, row-major, of its dtype, aligned
 * to 64 bytes. NULL past the end. The two calls above are NULL, and wisp_last_error() says so, where there is not just
 * one, of float32. */
void *wisp_request_input_tensor(wisp_request *request, size_t index);
const void *wisp_request_output_tensor(const wisp_request *request, size_t index);

/* Inputs that are large, or that something else writes, need not be copied into the client's shared memory: the daemon
 * reads them where they are, in a buffer. Of a client at most 8, of at most 2 GiB each, charged to what its user may
 * have of shared memory (limits.memory_per_user). WISP_E_BUSY, WISP_E_DENIED: more than that; WISP_E_NO_SPACE: too
 * many; WISP_E_VERSION: the daemon is older than buffers.
 *
 * wisp_buffer_new() makes one, mapped to be written at wisp_buffer_data(). wisp_buffer_from_fd() takes a memfd of the
 * program's (memfd_create() with MFD_ALLOW_SEALING), of whole pages, that has been sealed F_SEAL_SHRINK, F_SEAL_GROW,
 * and F_SEAL_FUTURE_WRITE or F_SEAL_WRITE: so a mapping that is to be written is made before. WISP_E_INVALID says which
 * seal is missing. The descriptor stays the program's, and wisp_buffer_data() is NULL.
 *
 * wisp_buffer_free() gives it back to the daemon and unmaps it; WISP_E_BUSY while there are requests in it, freed ones
 * that are not over yet included. wisp_close() frees all. Accepts NULL. */
int wisp_buffer_new(wisp_client *client, size_t bytes, wisp_buffer **out);
int wisp_buffer_from_fd(wisp_client *client, int fd, wisp_buffer **out);
void *wisp_buffer_data(wisp_buffer *buffer);
size_t wisp_buffer_size(const wisp_buffer *buffer);
int wisp_buffer_free(wisp_buffer *buffer);

/* As wisp_request_new(), with its input from byte `offset` of the buffer on, a multiple of 64; several inputs stand
 * there as wisp_request_input_tensor() says. wisp_request_move() has the next submit find it elsewhere: a ring of
 * pictures in one buffer, say. Not to be written while the request is under way. WISP_E_SHAPE: it reaches beyond. */
int wisp_request_new_in(wisp_client *client, const wisp_model *model, uint32_t rows, wisp_buffer *buffer,
                        uint64_t offset, wisp_request **out);
int wisp_request_move(wisp_request *request, wisp_buffer *buffer, uint64_t offset);

/* Of a model that decodes, as one that translates does: how many words an answer has at most; 0: it does not. Words are
 * whole numbers. Its outputs are `words`, int32, and `progress`, which wisp_request_words() reads. */
size_t wisp_model_words(const wisp_model *model);

/* How many beginnings of a sequence go on at once, up to 16: a beam, which finds more probable words than the best word
 * each time does, at so many times the cost. 0, as at first: as the model has it, which is 1 for most. From the next
 * submit on. WISP_E_INVALID when the model does not decode, or `width` is more; that the daemon runs fewer at once is
 * the answer WISP_E_INVALID, and that it is of a version which has no beams WISP_E_VERSION. */
int wisp_request_set_beam(wisp_request *request, uint32_t width);

/* The words of sample `row` that are there, while the request is under way, too: they come one by one, or, of a beam,
 * as all that goes on has them; what has come stays. Copies at most
 * *count of them; *count becomes how many there are. After a restart of the daemon they come again, from the first.
 * WISP_E_INVALID when the model does not decode, or there is no such sample. */
int wisp_request_words(const wisp_request *request, uint32_t row, int32_t *words, size_t *count);

/* Whatever the program wants to find again when the answer is there; NULL until it is set. */
void wisp_request_set_user(wisp_request *request, void *user);
void *wisp_request_user(const wisp_request *request);

/* 0: none. Counted from the submit, and not begun anew when a restart of the daemon makes the library send it again;
 * WISP_E_DEADLINE is then the request's status, when its time is over, or at once where that can be foreseen. */
void wisp_request_set_deadline(wisp_request *request, uint32_t microseconds);

/* Which of a user's requests goes before which; no user's goes before another's for it, but that what is LAST goes
 * behind everybody's. A second of waiting counts for a class, so that none waits for ever. From the next submit on; a
 * daemon of a version without classes has one. WISP_E_INVALID for another number. */
enum wisp_priority { WISP_PRIORITY_USUAL, WISP_PRIORITY_FIRST, WISP_PRIORITY_LAST };
int wisp_request_set_priority(wisp_request *request, enum wisp_priority priority);

/* Hands it to the daemon; does not wait. An input that is not finite is the answer WISP_E_INVALID, and
 * wisp_last_error() names the element. WISP_E_BUSY when as many are under way as the channel has entries. */
int wisp_submit(wisp_request *request);

/* Gives the request up; does not wait. One that waits for its turn in the daemon leaves the queue, and what is running
 * is not waited for by anybody. Its status is WISP_E_CANCELLED then, or that of its answer when that came first: wait
 * or poll as for any answer. One that is not under way stays as it is. */
int wisp_cancel(wisp_request *request);

/* Waits for the answer and returns the request's status. WISP_E_TIMEOUT when `timeout_ms` ran out first
 * (UINT32_MAX: no limit), and the request is still under way. */
int wisp_wait(wisp_request *request, uint32_t timeout_ms);

/* Whether the answer is there: 0 or the request's status when it is, -EAGAIN when not. Never blocks. */
int wisp_poll(wisp_request *request);

/* For an event loop: a descriptor that polls readable when answers may be waiting, or when there is something to do
 * about the connection; it stays the same until wisp_close(). Negative errno when it cannot be had.
 * Before sleeping call wisp_arm(): it returns 1 when an answer is there already (do not sleep), 0 when it is safe to.
 * After waking call wisp_dispatch(), which runs callbacks, then wisp_next() until it is NULL, or wisp_poll() the
 * requests. wisp_dispatch() returns WISP_E_LOST while the time for reconnecting is over. */
int wisp_fd(const wisp_client *client);
int wisp_arm(wisp_client *client);
int wisp_dispatch(wisp_client *client);

/* The requests that were answered, one after the other in the order of their answers, so that a program with many under
 * way need not poll each: those that were set noted before they were submitted, each once an answer. NULL: none is
 * there (any more). Never blocks; wisp_poll() then has its status, wisp_request_user() what the program keeps with it.
 * One that is submitted again or freed before is not handed out. Any number of threads may ask: each answer goes to
 * one. */
void wisp_request_set_noted(wisp_request *request, int noted);
wisp_request *wisp_next(wisp_client *client);

/* Called by wisp_dispatch(), in the thread that calls that, once an answer, in the order of answers; in place of
 * wisp_next(). `status` is what wisp_poll() returns, with its sentence in wisp_last_error(), and `user` what
 * wisp_request_set_user() has set. It may call everything: submit the request again, or free it, or others; what it
 * submits is called back by a later wisp_dispatch(), be it answered before. In a wisp_dispatch() of the same client no
 * callback runs another, and wisp_close() takes effect when the outer one has run this callback: that one then returns
 * WISP_E_CANCELLED. wisp_wait() and wisp_poll() take nothing away from it. A request that is submitted again or freed
 * before is not called back, nor is any by wisp_close(). To be set while the request is not under way; NULL: none.
 * Where several threads dispatch, each answer goes to one of them, and who frees a request sees to it that none does so
 * now. */
typedef void (*wisp_callback)(wisp_request *request, int status, void *user);
void wisp_request_set_callback(wisp_request *request, wisp_callback callback);

/* How long the last answer took, and where. */
struct wisp_timings {
    uint64_t total_ns;    /* submit to reaped, on the client's clock */
    uint64_t queue_ns;    /* in the daemon, before its batch began */
    uint64_t compute_ns;  /* the forward pass of its batch */
    uint32_t batch;       /* samples computed together, this request's included */
    uint32_t resubmitted; /* times a restart of the daemon made the library send it again */
};
void wisp_request_timings(const wisp_request *request, struct wisp_timings *timings);

/* Of the last answer, too: how long it lay in shared memory until this program had it. Mostly the time that the kernel
 * took to wake a thread that slept. 0: not known, of an older daemon, or of a clock that is not this process's. */
uint64_t wisp_request_wake_ns(const wisp_request *request);

/* Their names in 0.1.0. */
#define wisp_receipt wisp_timings
void wisp_request_receipt(const wisp_request *request, struct wisp_timings *timings);

/* ---- in one call ---- */

/* Copies `rows` samples in, runs, copies the answers out; WISP_E_SHAPE for a model with several inputs or outputs.
 * `timings` may be NULL. Waits as `answer_ms` has it. */
int wisp_infer(wisp_client *client, const wisp_model *model, const float *input, uint32_t rows, float *output,
               struct wisp_timings *timings);

#define WISP_LABEL_MAX 256 /* bytes of a label's name */

struct wisp_label {
    uint32_t index;
    float probability;
    char name[WISP_LABEL_MAX + 1];
};

/* The *count most probable labels of one answer, best first; *count becomes how many were written. WISP_E_INVALID, and
 * none, when something in the answer is not finite: a finite input can overflow on its way. */
int wisp_top(const wisp_model *model, const float *output, struct wisp_label *top, size_t *count);

#ifdef __cplusplus
}
#endif

/* From a file to a tensor, which is libwisp-media; included here because programs expect it of this header. */
#include <wisp/media.h>

#endif
