/* SPDX-License-Identifier: Apache-2.0
 *
 * The stages of a request, in order; one file each. pass.h strings them together.
 */
#ifndef DAEMON_SHARD_STAGES_H
#define DAEMON_SHARD_STAGES_H

#include "base/clock.h"
#include "daemon/shard/request.h"
#include "daemon/shard/shard.h"

/* How long nothing that can be cut is to run without a look at who else is there. */
#define SHARD_SLICE_NS (500 * NS_PER_US)
/* What is cut is cut by estimates, which are a third too short at times. */
#define SHARD_SLICE_AIM_NS (SHARD_SLICE_NS * 3 / 4)

/* s1: the channel's next submission, copied out of shared memory once; NULL when there is none, no credit, or enough
 * under way. */
struct request *s1_intake(struct shard *shard, struct channel *channel, uint64_t now_ns);

/* s2: checks the copy, answers what needs no model, and sets the deadline. False: it has been completed. */
bool s2_admit(struct shard *shard, struct request *request);

/* Whether the channel's next submission is a cancellation, for a client that has agreed on them. */
bool cancel_is_next(const struct channel *channel);
/* Takes the channel's next submission if it is a cancellation, and carries it out. */
bool cancel_take(struct shard *shard, struct channel *channel);

/* s3: puts the request into the queue of its route's model. False: it has been completed. */
bool s3_batch(struct shard *shard, struct request *request);
/* Back to the end of its queue, for its next slice; when draining, to the front. */
void s3_again(struct shard *shard, struct request *request);
/* Out of its flow: to run, or because it is given up. */
void s3_remove(struct request *request);
/* In its flow, behind the others. */
void s3_behind(struct request *request);
/* Whether the queue is to run now, or else when. */
bool s3_due(const struct shard *shard, const struct queue *queue, uint64_t now_ns);
uint64_t s3_due_ns(const struct queue *queue);

/* s4: the queue whose turn it is; NULL: none is due. */
struct queue *s4_choose(struct shard *shard, uint64_t now_ns);
/* When the queue's turn can come: not before somebody of whom something is there may have it. */
uint64_t s4_due_ns(const struct shard *shard, const struct queue *queue, uint64_t now_ns);
/* Forms the queue's batch: of requests whose tensors have exactly the model's shape; completes the others. False when
 * nothing is left to run. */
bool s4_dispatch(struct shard *shard, struct queue *queue, uint64_t now_ns);

/* Whether its tensors have just the model's shape. */
bool s4_fits(const struct request *request);

/* Where an input of a request begins. */
const unsigned char *s5_input(const struct request *request, uint32_t tensor);
/* Why so many of its rows, behind those that are done, are not to run: it is too late, or they could have no answer. */
int s5_check(struct request *request, uint32_t rows, uint64_t now_ns);
/* Charges the request's user, and its channel, for so many samples and a part of the shard's time: `used` is what it
 * was, and whose turn it is next follows from what is `owed`. */
void s5_use(const struct request *request, uint64_t samples, uint64_t used_ns, uint64_t owed_ns);
/* It was its turn, whatever came of it, and looking at it took so long: who paid nothing for what is refused would have
 * every turn. */
void s5_charge_refusal(const struct request *request, uint64_t took_ns);
/* s4 and s5 of a model that decodes: begins the sequences that there is room for, and makes a slice of a step of all.
 */
void s5_decode(struct shard *shard, struct queue *queue);
/* A request is given up: a step that has been left goes on without its sequences, or is dropped. */
void s5_leave_step(const struct request *request);
/* Of a pass, or a step, that took `then` when the model was warmed up and takes `now`: a slice, in the time of then. */
uint64_t s5_slice_ns(uint64_t then, uint64_t now);

/* s5: the forward pass of the batch, reading inputs and writing outputs in place in the clients' memory: begins it,
 * where something is left of the batch that can run, and makes a slice of it. */
void s5_begin(struct shard *shard, struct queue *queue);
void s5_run(struct shard *shard, struct queue *queue);
/* Takes a request that is DISPATCHED out of the batch; it is to be completed. */
void s5_forget(struct request *request);

/* Gives up a request, wherever it waits or runs. */
void request_give_up(struct shard *shard, struct request *request, int status);

/* What its user may have under way is not this request's any more. */
static inline void request_give_back(struct request *request)
{
    if (request->counted)
        account_give_back(request->channel->account);
    request->counted = false;
}

/* s6: the one end of every request: completion slot, timings, counters. The wake-up follows in s6_wake(). */
void s6_complete(struct shard *shard, struct request *request, int status);
/* Wakes the clients that got completions since, each at most once. */
void s6_wake(struct shard *shard);

#endif
