/* SPDX-License-Identifier: Apache-2.0
 *
 * The wire: every byte that client and daemon exchange, compiled by both ends.
 *
 * A channel is one SEQPACKET socket, two memory regions and one eventfd, all made by the daemon:
 *
 *   request region   client maps read-write, daemon read-only     client_control | submission entries | input arena
 *   response region  daemon maps read-write, client read-only     daemon_control | completion entries | output arena
 *
 * Each word of shared memory has exactly one writer: the side that maps its region writable. Words with different
 * readers stand 128 bytes apart (two lines: the adjacent-line prefetcher fetches pairs).
 *
 * Entries are published by sequence number, not by a shared tail: slot i & mask of a ring is ready when its `seq`
 * equals (uint32_t)(i + 1); the flag shares a line with the entry, so a hand-over moves one line. The counters run
 * freely.
 *
 * Handshake, on the socket: client sends struct wire_hello; daemon answers struct wire_welcome with three descriptors
 * [request memfd, response memfd (read-only), eventfd], or with a status and a text, and closes. The client maps both
 * and seals the request region (region.h); a doorbell before that ends the channel. A client that only has questions
 * asks for WIRE_ENTRIES_NONE, and gets a welcome without sizes and descriptors. Afterwards the socket carries struct
 * wire_control messages both ways (list, describe), and, when the client asked for it, empty WIRE_NOTIFY messages so
 * that a poll loop wakes.
 *
 * Little-endian, fixed width, no pointers. Reserved bytes are zero and checked. What a newer end adds is guarded by a
 * feature bit that both must have; a change of layout, or of what either end relies on, raises the ABI number.
 */
#ifndef LIBIPC_WIRE_H
#define LIBIPC_WIRE_H

#include <assert.h>
#include <stddef.h>
#include <stdint.h>

_Static_assert(__BYTE_ORDER__ == __ORDER_LITTLE_ENDIAN__, "the wire is little-endian");

#define WIRE_MAGIC   0x70736977u /* "wisp" */
#define WIRE_ABI_MIN 2           /* 1: the request region was not sealed by the client */
#define WIRE_ABI_MAX 2

/* Feature bits. A bit is used on a channel only when both ends offered it. */
#define WIRE_FEATURE_NOTIFY  (1ull << 0)  /* WIRE_NOTIFY messages on the socket */
#define WIRE_FEATURE_TIMINGS (1ull << 1)  /* queue_ns, compute_ns and batch of a completion are filled in */
#define WIRE_FEATURE_CANCEL  (1ull << 2)  /* WIRE_OP_CANCEL */
#define WIRE_FEATURE_ASKING  (1ull << 3)  /* channels for questions alone: hello.entries may be WIRE_ENTRIES_NONE */
#define WIRE_FEATURE_MARKS   (1ull << 4)  /* submissions have a mark */
#define WIRE_FEATURE_BEAMS   (1ull << 5)  /* and the width of a beam */
#define WIRE_FEATURE_DONE    (1ull << 6)  /* done_ns of a completion is filled in, where its timings are */
#define WIRE_FEATURE_RELOAD  (1ull << 7)  /* WIRE_RELOAD and WIRE_ROLLBACK */
#define WIRE_FEATURE_SIGHT   (1ull << 8)  /* WIRE_STATS and WIRE_CLIENTS */
#define WIRE_FEATURE_UNTIL   (1ull << 9)  /* WIRE_FLAG_UNTIL */
#define WIRE_FEATURE_CLASSES (1ull << 10) /* a class in the flags of submissions */
#define WIRE_FEATURE_BUFFERS (1ull << 11) /* WIRE_ATTACH, WIRE_DETACH and WIRE_FLAG_BUFFER */
#define WIRE_FEATURES                                                                                                  \
    (WIRE_FEATURE_NOTIFY | WIRE_FEATURE_TIMINGS | WIRE_FEATURE_CANCEL | WIRE_FEATURE_ASKING | WIRE_FEATURE_MARKS |     \
     WIRE_FEATURE_BEAMS | WIRE_FEATURE_DONE | WIRE_FEATURE_RELOAD | WIRE_FEATURE_SIGHT | WIRE_FEATURE_UNTIL |          \
     WIRE_FEATURE_CLASSES | WIRE_FEATURE_BUFFERS)

/* Limits that both ends know; a daemon's configuration may be tighter. */
#define WIRE_ENTRIES_MIN     4
#define WIRE_ENTRIES_MAX     4096
#define WIRE_ENTRIES_DEFAULT 64
#define WIRE_ENTRIES_NONE    UINT32_MAX /* in a hello: no rings, no memory, questions alone */
#define WIRE_ARENA_MIN       (64ull << 10)
#define WIRE_ARENA_MAX       (1ull << 30)
#define WIRE_ARENA_ALIGN     64
#define WIRE_BUFFERS_MAX     8            /* of a channel, at once */
#define WIRE_BUFFER_MAX      (1ull << 31) /* bytes of one */
#define WIRE_PAGE            4096
#define WIRE_ROWS_MAX        65536
#define WIRE_BEAM_MAX        16
#define WIRE_NAME_MAX        128         /* of a model or processing type, with the terminating zero */
#define WIRE_CONTROL_MAX     (32u << 10) /* payload bytes of one control message */
#define WIRE_TEXT_MAX        (1u << 20)  /* payload bytes of a whole reply, over several messages */

/* ---- shared memory ---- */

enum wire_op {
    WIRE_OP_NOP = 0, /* completes at once: ping, and the round trip without a model */
    WIRE_OP_INFER =
        1, /* the model's inputs of `rows` samples at in_offset -> its outputs at out_offset: wire_block.h */
    /* Gives up this channel's requests with this user_data that stand before it in the ring: each completes once, with
     * WISP_E_CANCELLED unless it had completed before. Has no completion of its own. */
    WIRE_OP_CANCEL = 2,
};

/* Of a submission of WIRE_OP_INFER. */
#define WIRE_FLAG_UNTIL                                                                                                \
    0x01 /* deadline_us is a moment: the low 32 bits of CLOCK_MONOTONIC, at most 2^31 us from now                      \
          */

#define WIRE_FLAG_CLASS  0x06 /* enum wire_class, by WIRE_CLASS_SHIFT */
#define WIRE_CLASS_SHIFT 1

/* The input stands in a buffer of the client's: in_offset is the buffer's number, by WIRE_BUFFER_SHIFT, and where in
 * it. */
#define WIRE_FLAG_BUFFER  0x08
#define WIRE_BUFFER_SHIFT 48

static inline uint64_t wire_buffer_offset(uint64_t in_offset)
{
    return in_offset & ((UINT64_C(1) << WIRE_BUFFER_SHIFT) - 1);
}

/* Which of its user's requests goes before which; what is LAST goes behind everybody else's as well. */
enum wire_class { WIRE_CLASS_USUAL = 0, WIRE_CLASS_FIRST = 1, WIRE_CLASS_LAST = 2 };

struct wire_submission {
    uint8_t op;           /* enum wire_op */
    uint8_t flags;        /* WIRE_FLAG_*, where both ends have their features */
    uint16_t beam;        /* of a model that decodes: its width, up to WIRE_BEAM_MAX; 0: the model's; 0 without
                             WIRE_FEATURE_BEAMS */
    uint32_t route;       /* which model: a number that the daemon gave for a name or processing type */
    uint64_t user_data;   /* returned in the completion */
    uint64_t in_offset;   /* into the input arena, a multiple of WIRE_ARENA_ALIGN */
    uint64_t in_length;   /* bytes, as the model has it */
    uint64_t out_offset;  /* into the output arena, a multiple of WIRE_ARENA_ALIGN */
    uint64_t out_length;  /* bytes, as the model has it */
    uint32_t rows;        /* samples in this request, 1 .. WIRE_ROWS_MAX */
    uint32_t deadline_us; /* 0: none; else microseconds after the daemon took the request, or as WIRE_FLAG_UNTIL says */
    uint32_t mark;        /* of a model that decodes: what stands beside its progress; 0 without WIRE_FEATURE_MARKS */
    uint32_t seq;         /* publishes the slot */
};

struct wire_completion {
    uint64_t user_data;
    int32_t status;      /* enum wisp_status, or -errno */
    uint32_t flags;      /* 0 */
    uint64_t out_length; /* bytes written to the output arena */
    uint32_t queue_ns;   /* from the daemon's taking it to the start of its batch; saturates */
    uint32_t compute_ns; /* the forward pass of its batch; saturates */
    uint32_t batch;      /* samples computed together with this one, itself included */
    uint32_t cause;      /* enum wire_cause: what more there is to say of the status */
    uint32_t where[3];
    uint32_t done[2]; /* when its last batch ended: nanoseconds of CLOCK_MONOTONIC, low word first; 0: not said */
    uint32_t seq;     /* publishes the slot */
};

enum wire_cause {
    WIRE_CAUSE_NONE = 0,
    WIRE_CAUSE_NOT_FINITE =
        1,               /* WISP_E_INVALID: of sample where[0], element where[1] of input where[2] is NaN or infinite */
    WIRE_CAUSE_ROWS = 2, /* WISP_E_INVALID: more samples than the where[0] that a request may have */
    WIRE_CAUSE_BEAM = 3, /* WISP_E_INVALID: a beam that is wider than where[0]; 0: the model does not decode */
};

/* What a model that decodes has for its last output, a row: how many of its words are there, and whose they are. The
 * daemon writes both with one store. */
struct wire_progress {
    uint32_t count;
    uint32_t mark; /* the submission's */
};

/* Offset 0 of the request region; written by the client only. */
struct wire_client_control {
    uint32_t cq_head; /* completions consumed; the daemon's credit */
    uint8_t pad0[124];
    uint32_t cq_wait; /* enum wire_wait: how the client wants to be woken */
    uint8_t pad1[124];
};

enum wire_wait {
    WIRE_WAIT_NONE = 0,   /* awake, looks by itself */
    WIRE_WAIT_FUTEX = 1,  /* sleeps on daemon_control.cq_futex */
    WIRE_WAIT_SOCKET = 2, /* polls the socket: wants one WIRE_NOTIFY */
};

enum wire_state {
    WIRE_STATE_READY = 1,
    WIRE_STATE_DRAINING = 2, /* new submissions get WISP_E_SHUTDOWN */
    WIRE_STATE_CLOSED = 3,   /* the daemon has given this channel up */
};

/* Offset 0 of the response region; written by the daemon only. */
struct wire_daemon_control {
    uint32_t magic;
    uint16_t abi;
    uint16_t reserved0;
    uint64_t features;
    uint64_t epoch; /* differs between two runs of the daemon */
    uint32_t state; /* enum wire_state */
    uint8_t pad0[100];
    uint32_t sq_head; /* submissions taken: their slots may be written again */
    uint8_t pad1[124];
    uint32_t need_wake; /* 1: write the eventfd after publishing */
    uint8_t pad2[124];
    uint32_t cq_futex; /* counts wake-ups; the client sleeps on it */
    uint8_t pad3[124];
};

/* Where everything stands; computed by wire_layout(), the same on both ends. */
struct wire_layout {
    uint32_t entries;        /* slots of either ring, a power of two */
    uint64_t request_size;   /* bytes of the request region, whole pages */
    uint64_t response_size;  /* bytes of the response region, whole pages */
    uint64_t ring_offset;    /* of the entries, in either region */
    uint64_t arena_offset;   /* of the arena, in either region */
    uint64_t request_arena;  /* bytes of the input arena */
    uint64_t response_arena; /* bytes of the output arena */
};

/* ---- socket ---- */

enum wire_type {
    WIRE_HELLO = 1,
    WIRE_WELCOME = 2,
    WIRE_LIST = 3,      /* -> JSON array of models */
    WIRE_DESCRIBE = 4,  /* payload: a name or processing type -> JSON object of that model, and its route */
    WIRE_NOTIFY = 5,    /* daemon -> client: completions are waiting; no payload */
    WIRE_STATUS = 6,    /* -> JSON object of the daemon: version, uptime, counters */
    WIRE_RELOAD = 7,    /* -> when it is done, JSON object: what has changed */
    WIRE_STATS = 8,     /* -> JSON object: what was counted, of the daemon, its models and users */
    WIRE_CLIENTS = 9,   /* -> JSON object: who is connected */
    WIRE_ROLLBACK = 10, /* as WIRE_RELOAD, to what was served before */
    /* Payload: struct wire_attach. Its reply has the buffer's number for its route, and a descriptor: a socket, on
     * which the same message goes to the daemon with a memfd, and comes back as a reply that says what has become of
     * it. */
    WIRE_ATTACH = 11,
    WIRE_DETACH = 12,  /* payload: struct wire_attach, whose number counts -> when nothing uses the buffer any more */
    WIRE_REPLY = 0x80, /* or'ed to the type of what it answers */
};

/* The first bytes of every message. */
struct wire_header {
    uint32_t magic;
    uint16_t type; /* enum wire_type */
    uint16_t reserved;
    uint32_t length; /* of the whole message */
};

struct wire_hello {
    struct wire_header header;
    uint16_t abi_min, abi_max;
    uint64_t features;        /* what the client can use */
    uint64_t features_needed; /* what it cannot do without; a subset of features */
    uint32_t entries;         /* 0: the daemon's default; WIRE_ENTRIES_NONE needs WIRE_FEATURE_ASKING */
    uint32_t reserved;
    uint64_t request_arena; /* 0: the daemon's default */
    uint64_t response_arena;
    char name[32]; /* of the client program, for the operator; zero-terminated */
};

struct wire_welcome {
    struct wire_header header;
    int32_t status;    /* 0, or why the daemon refuses: then no descriptors come, and text says more */
    uint64_t features; /* of both */
    uint64_t epoch;
    uint32_t entries;
    uint16_t abi;
    uint16_t reserved;
    uint64_t request_arena;
    uint64_t response_arena;
    char name[32];  /* "wispd 0.1.0" */
    char text[120]; /* reason of a refusal, zero-terminated */
};

struct wire_control {
    struct wire_header header;
    int32_t status;  /* of a reply */
    uint32_t id;     /* chosen by the client, repeated in the reply */
    uint32_t route;  /* of a WIRE_DESCRIBE reply */
    uint32_t total;  /* payload bytes of the whole reply */
    uint32_t offset; /* of this message's payload in it */
    /* header.length - sizeof(struct wire_control) bytes of payload follow */
};

/* Of WIRE_ATTACH and WIRE_DETACH. */
struct wire_attach {
    uint64_t size;   /* of the buffer; 0 in WIRE_DETACH */
    uint32_t number; /* of the buffer, in WIRE_DETACH; else 0 */
    uint32_t reserved;
};

#define WIRE_ASSERT_OFFSET(type, field, at) _Static_assert(offsetof(struct type, field) == (at), #type "." #field)

_Static_assert(sizeof(struct wire_submission) == 64, "one line");
WIRE_ASSERT_OFFSET(wire_submission, beam, 2);
WIRE_ASSERT_OFFSET(wire_submission, route, 4);
WIRE_ASSERT_OFFSET(wire_submission, user_data, 8);
WIRE_ASSERT_OFFSET(wire_submission, in_offset, 16);
WIRE_ASSERT_OFFSET(wire_submission, out_offset, 32);
WIRE_ASSERT_OFFSET(wire_submission, rows, 48);
WIRE_ASSERT_OFFSET(wire_submission, mark, 56);
WIRE_ASSERT_OFFSET(wire_submission, seq, 60);
_Static_assert(sizeof(struct wire_progress) == sizeof(uint64_t), "one store");
_Static_assert(sizeof(struct wire_completion) == 64, "one line");
WIRE_ASSERT_OFFSET(wire_completion, status, 8);
WIRE_ASSERT_OFFSET(wire_completion, out_length, 16);
WIRE_ASSERT_OFFSET(wire_completion, queue_ns, 24);
WIRE_ASSERT_OFFSET(wire_completion, cause, 36);
WIRE_ASSERT_OFFSET(wire_completion, done, 52);
WIRE_ASSERT_OFFSET(wire_completion, seq, 60);
_Static_assert(sizeof(struct wire_client_control) == 256, "two words, two line pairs");
WIRE_ASSERT_OFFSET(wire_client_control, cq_wait, 128);
_Static_assert(sizeof(struct wire_daemon_control) == 512, "four line pairs");
WIRE_ASSERT_OFFSET(wire_daemon_control, sq_head, 128);
WIRE_ASSERT_OFFSET(wire_daemon_control, need_wake, 256);
WIRE_ASSERT_OFFSET(wire_daemon_control, cq_futex, 384);
_Static_assert(sizeof(struct wire_header) == 12, "header");
_Static_assert(sizeof(struct wire_hello) == 88, "hello");
_Static_assert(sizeof(struct wire_welcome) == 208, "welcome");
_Static_assert(sizeof(struct wire_control) == 32, "control");
_Static_assert(sizeof(struct wire_attach) == 16, "attach");

#endif
