/* SPDX-License-Identifier: Apache-2.0
 *
 * A test rig for the stages and the shard: real rings in real regions, a real model, three channels whose client's ends
 * are in this process and thread. There is no daemon and no event loop.
 */
#ifndef TESTS_UNIT_DAEMON_RIG_H
#define TESTS_UNIT_DAEMON_RIG_H

#include <stdbool.h>
#include <stdint.h>

#include "daemon/control/connection.h"
#include "daemon/shard/active.h"
#include "daemon/shard/pass.h"
#include "daemon/shard/serve.h"
#include "daemon/shard/stages.h"
#include "support/model.h"
#include "support/translator.h"

enum {
    RIG_ENTRIES = 16,
    RIG_CHANNELS = 3,
    RIG_INPUTS = 24,
    RIG_OUTPUTS = 6,
    RIG_IN_BYTES = RIG_INPUTS * 4,
    RIG_OUT_BYTES = RIG_OUTPUTS * 4,
    RIG_BATCH = 8,
    RIG_SOURCE = 6, /* words that the model which decodes reads, */
    RIG_WORDS = 19, /* and gives at most */
};

#define RIG_ARENA (256u << 10)

/* A client's end. */
struct peer {
    int socket;
    struct region request;
    struct submit_ring submit;
    struct reap_ring reap;
    float *input;
    const float *output;
};

extern struct rig {
    const char *folder;
    char path[256];
    struct config config;
    struct model_set *set;
    struct queue_set *queues;
    struct users users;
    struct connection_table table;
    struct shard shard;
    struct channel *channels[RIG_CHANNELS];
    struct connection *connections[RIG_CHANNELS]; /* theirs */
    struct peer peers[RIG_CHANNELS];
    struct reference *reference;
    uint32_t route;
    struct model *translator; /* the second model of rig_setup_decoding() */
    uint32_t translator_route;
} rig;

/* That passes of the next rig's models may be lent. */
extern uint32_t rig_threads;

/* Of a test: all of it; with a model whose queue waits a second for company; with one more that decodes; and the end,
 * which sees that nothing is left. */
int rig_setup(void **state);
int rig_setup_waiting(void **state);
int rig_setup_decoding(void **state);
int rig_teardown(void **state);

#define RIG_TEST(test)          cmocka_unit_test_setup_teardown(test, rig_setup, rig_teardown)
#define RIG_TEST_DECODING(test) cmocka_unit_test_setup_teardown(test, rig_setup_decoding, rig_teardown)
#define RIG_TEST_WAITING(test)  cmocka_unit_test_setup_teardown(test, rig_setup_waiting, rig_teardown)

/* Makes one, with its client's end; and hands it over to the rig's shard, where it is active at once. */
void rig_make_channel(int at);
void rig_open_channel(int at);
/* Has the shard leave it; and ends what the shard has left. */
void rig_close_channel(int at);
void rig_drop_channel(int at);

/* A request of `rows` samples at slot `at` of the arenas; fills its input; compares its output with the reference. */
struct wire_submission rig_infer(uint32_t rows, uint32_t at);
void rig_fill(int peer, const struct wire_submission *ask);
void rig_check_answer(int peer, const struct wire_submission *ask);

/* As a client does: publish, and ring the doorbell if the daemon sleeps on the channel. False when the ring is full. */
bool rig_try_push(int peer, const struct wire_submission *ask);
void rig_push(int peer, const struct wire_submission *ask);

/* Pushes and takes through s1; and further, into its queue. */
struct request *rig_take(int peer, const struct wire_submission *ask);
struct request *rig_into_queue(int peer, const struct wire_submission *ask);

/* The completion that is there, and no other; its status. And: that there is none. */
int rig_only_completion(int peer, struct wire_completion *completion);
void rig_no_completion(int peer);

void rig_all_requests_are_free(int at);
void rig_turn_until_idle(void);

/* Its deadline has gone by, and the shard sees it in its next turn. */
void rig_make_late(struct request *request);

/* Forms a batch of what waits there, and runs it. */
void rig_run_batch(struct queue *queue);

#endif
