/* SPDX-License-Identifier: Apache-2.0
 *
 * The validators. Pure functions: they read their arguments, which are private copies, write *out and *why, and touch
 * nothing else, so any thread may call them and a fuzzer can drive them without a socket.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <linux/magic.h>
#include <stdbool.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>

#include "base/insist.h"
#include "base/name.h"
#include "base/size.h"
#include "libipc/wire_check.h"

/* Both regions begin their entries here, behind the larger of the two control blocks. */
enum { RING_OFFSET = sizeof(struct wire_daemon_control) };

_Static_assert(WIRE_NAME_MAX == NAME_BYTES_MAX, "a name that is taken anywhere fits; another length is another ABI");
_Static_assert(RING_OFFSET >= sizeof(struct wire_client_control), "the entries begin behind either control block");
_Static_assert(RING_OFFSET % WIRE_ARENA_ALIGN == 0, "an entry is one line");

int wire_layout(uint32_t entries, uint64_t request_arena, uint64_t response_arena, struct wire_layout *out,
                struct reason *why)
{
    const struct {
        const char *name;
        uint64_t size;
    } arenas[] = { { "input", request_arena }, { "output", response_arena } };

    if (!size_is_power_of_two(entries) || entries < WIRE_ENTRIES_MIN || entries > WIRE_ENTRIES_MAX)
        return refuse(why, WISP_E_INVALID, "ring of %" PRIu32 " entries: must be a power of two from %d to %d", entries,
                      WIRE_ENTRIES_MIN, WIRE_ENTRIES_MAX);
    for (size_t i = 0; i < ARRAY_SIZE(arenas); i++) {
        if (arenas[i].size < WIRE_ARENA_MIN || arenas[i].size > WIRE_ARENA_MAX || arenas[i].size % WIRE_PAGE)
            return refuse(why, WISP_E_INVALID,
                          "%s arena of %" PRIu64 " bytes: must be a multiple of %d from %llu to %llu", arenas[i].name,
                          arenas[i].size, WIRE_PAGE, WIRE_ARENA_MIN, WIRE_ARENA_MAX);
    }
    *out = (struct wire_layout){
        .entries = entries,
        .ring_offset = RING_OFFSET,
        .request_arena = request_arena,
        .response_arena = response_arena,
    };
    /* Cannot overflow: all terms are below 2^31. */
    (void)size_align(RING_OFFSET + (uint64_t)entries * sizeof(struct wire_submission), WIRE_PAGE, &out->arena_offset);
    out->request_size = out->arena_offset + request_arena;
    out->response_size = out->arena_offset + response_arena;
    insist(out->arena_offset % WIRE_PAGE == 0 && out->arena_offset > out->ring_offset);
    return 0;
}

/* ---- submissions ---- */

static int check_range(const char *name, uint64_t offset, uint64_t length, uint64_t arena, struct reason *why)
{
    if (offset % WIRE_ARENA_ALIGN)
        return refuse(why, WISP_E_INVALID, "%s offset %" PRIu64 " is not a multiple of %d", name, offset,
                      WIRE_ARENA_ALIGN);
    if (!length)
        return refuse(why, WISP_E_INVALID, "%s length is 0", name);
    if (!size_within(offset, length, arena))
        return refuse(why, WISP_E_INVALID,
                      "%s of %" PRIu64 " bytes at %" PRIu64 " reaches beyond the arena of %" PRIu64 " bytes", name,
                      length, offset, arena);
    return 0;
}

static int check_flags(const struct wire_submission *copy, const struct wire_limits *limits, struct reason *why)
{
    const unsigned known = (limits->features & WIRE_FEATURE_UNTIL ? WIRE_FLAG_UNTIL : 0) |
                           (limits->features & WIRE_FEATURE_CLASSES ? WIRE_FLAG_CLASS : 0) |
                           (limits->features & WIRE_FEATURE_BUFFERS ? WIRE_FLAG_BUFFER : 0);

    if (copy->flags & ~known)
        return refuse(why, WISP_E_INVALID, "unknown flags %#x", copy->flags & ~known);
    if (copy->flags && copy->op != WIRE_OP_INFER)
        return refuse(why, WISP_E_INVALID, "flags of an operation that has none");
    if ((copy->flags & WIRE_FLAG_CLASS) >> WIRE_CLASS_SHIFT > WIRE_CLASS_LAST)
        return refuse(why, WISP_E_INVALID, "a class that there is not");
    return 0;
}

static int check_input(const struct wire_submission *copy, const struct wire_limits *limits, struct reason *why)
{
    if (!(copy->flags & WIRE_FLAG_BUFFER))
        return check_range("input", copy->in_offset, copy->in_length, limits->request_arena, why);
    if (!limits->buffer)
        return refuse(why, WISP_E_INVALID, "a buffer that there is not");
    return check_range("input", wire_buffer_offset(copy->in_offset), copy->in_length, limits->buffer, why);
}

int wire_check_submission(const struct wire_submission *copy, const struct wire_limits *limits, struct reason *why)
{
    int result;

    if (copy->op > WIRE_OP_CANCEL || (copy->op == WIRE_OP_CANCEL && !(limits->features & WIRE_FEATURE_CANCEL)))
        return refuse(why, WISP_E_INVALID, "unknown operation %u", copy->op);
    result = check_flags(copy, limits, why);
    if (result)
        return result;
    if (copy->beam && (copy->op != WIRE_OP_INFER || !(limits->features & WIRE_FEATURE_BEAMS)))
        return refuse(why, WISP_E_INVALID, "a beam where there is none");
    if (copy->beam > WIRE_BEAM_MAX)
        return refuse(why, WISP_E_INVALID, "a beam of %u: at most %d", copy->beam, WIRE_BEAM_MAX);
    if (copy->mark && (copy->op != WIRE_OP_INFER || !(limits->features & WIRE_FEATURE_MARKS)))
        return refuse(why, WISP_E_INVALID, "a mark where there is none");
    if (copy->op != WIRE_OP_INFER) {
        if (copy->route || copy->rows || copy->in_offset || copy->in_length || copy->out_offset || copy->out_length)
            return refuse(why, WISP_E_INVALID, "an operation without tensors names some");
        if (copy->op == WIRE_OP_CANCEL && copy->deadline_us)
            return refuse(why, WISP_E_INVALID, "a cancellation has a deadline");
        return 0;
    }
    if (!copy->rows || copy->rows > limits->rows)
        return refuse(why, WISP_E_INVALID, "%" PRIu32 " rows: must be from 1 to %" PRIu32, copy->rows, limits->rows);
    result = check_input(copy, limits, why);
    return result ? result : check_range("output", copy->out_offset, copy->out_length, limits->response_arena, why);
}

/* ---- buffers ---- */

static int check_buffer_size(uint64_t size, struct reason *why)
{
    if (!size || size % WIRE_PAGE || size > WIRE_BUFFER_MAX)
        return refuse(why, WISP_E_INVALID, "a buffer of %" PRIu64 " bytes: must be a multiple of %d, at most %llu",
                      size, WIRE_PAGE, WIRE_BUFFER_MAX);
    return 0;
}

int wire_check_memory(const struct wire_memory *memory, uint64_t size, struct reason *why)
{
    const int resizing = F_SEAL_SHRINK | F_SEAL_GROW, writing = F_SEAL_WRITE | F_SEAL_FUTURE_WRITE;
    int result = check_buffer_size(size, why);

    if (result)
        return result;
    if (!S_ISREG(memory->mode) || memory->filesystem != TMPFS_MAGIC)
        return refuse(why, WISP_E_INVALID, "a buffer that is not plain shared memory, of memfd_create()");
    if (memory->size < 0 || (uint64_t)memory->size != size)
        return refuse(why, WISP_E_INVALID, "a buffer of %" PRId64 " bytes where %" PRIu64 " were agreed", memory->size,
                      size);
    if (memory->seals < 0 || (memory->seals & resizing) != resizing)
        return refuse(why, WISP_E_INVALID, "a buffer that its owner could still resize: seal it SHRINK and GROW");
    if (!(memory->seals & writing))
        return refuse(why, WISP_E_INVALID,
                      "a buffer that its owner could still take pages out of: seal it FUTURE_WRITE or WRITE");
    if (memory->present < size)
        return refuse(why, WISP_E_INVALID,
                      "a buffer of which %" PRIu64 " of %" PRIu64 " bytes are there: make them present by fallocate()",
                      memory->present, size);
    if (memory->first_hole < size)
        return refuse(why, WISP_E_INVALID,
                      "a buffer whose page at byte %" PRIu64 " nobody has written: write to all of it, or call "
                      "fallocate() twice",
                      memory->first_hole);
    return 0;
}

/* ---- messages ---- */

static bool is_terminated(const char *text, size_t size)
{
    return memchr(text, 0, size) != NULL;
}

static int check_hello(const void *message, size_t payload, struct reason *why)
{
    const struct wire_hello *hello = message;

    (void)payload;
    if (hello->reserved)
        return refuse(why, WISP_E_INVALID, "reserved bytes are not zero");
    if (!hello->abi_min || hello->abi_min > hello->abi_max)
        return refuse(why, WISP_E_INVALID, "ABI range %u to %u is empty", hello->abi_min, hello->abi_max);
    if (hello->features_needed & ~hello->features)
        return refuse(why, WISP_E_INVALID, "needs features %#" PRIx64 " that it does not have",
                      hello->features_needed & ~hello->features);
    if (!is_terminated(hello->name, sizeof hello->name))
        return refuse(why, WISP_E_INVALID, "name is not terminated");
    return 0;
}

static int check_welcome(const void *message, size_t payload, struct reason *why)
{
    const struct wire_welcome *welcome = message;

    (void)payload;
    if (welcome->reserved)
        return refuse(why, WISP_E_INVALID, "reserved bytes are not zero");
    if (!is_terminated(welcome->name, sizeof welcome->name) || !is_terminated(welcome->text, sizeof welcome->text))
        return refuse(why, WISP_E_INVALID, "text is not terminated");
    return 0;
}

static int check_plain(const void *message, size_t payload, struct reason *why)
{
    const struct wire_control *control = message;

    if (control->status || control->route || control->total || control->offset)
        return refuse(why, WISP_E_INVALID, "fields that belong to a reply are not zero");
    if (payload)
        return refuse(why, WISP_E_INVALID, "%zu bytes of payload where none belongs", payload);
    return 0;
}

static int check_named(const void *message, size_t payload, struct reason *why)
{
    const char *name = (const char *)message + sizeof(struct wire_control);

    if (payload < 2 || payload > WIRE_NAME_MAX || memchr(name, 0, payload) != name + payload - 1)
        return refuse(why, WISP_E_INVALID, "the name must be 1 to %d bytes and one terminating zero",
                      WIRE_NAME_MAX - 1);
    return check_plain(message, 0, why);
}

static int check_attach(const void *message, size_t payload, struct reason *why)
{
    const struct wire_attach *attach = (const void *)((const char *)message + sizeof(struct wire_control));
    int result = check_plain(message, 0, why);

    if (result)
        return result;
    if (payload || attach->reserved || attach->number)
        return refuse(why, WISP_E_INVALID, "fields that do not belong there are not zero");
    return check_buffer_size(attach->size, why);
}

static int check_detach(const void *message, size_t payload, struct reason *why)
{
    const struct wire_attach *attach = (const void *)((const char *)message + sizeof(struct wire_control));
    int result = check_plain(message, 0, why);

    if (result)
        return result;
    if (payload || attach->reserved || attach->size)
        return refuse(why, WISP_E_INVALID, "fields that do not belong there are not zero");
    if (attach->number >= WIRE_BUFFERS_MAX)
        return refuse(why, WISP_E_INVALID, "buffer %" PRIu32 ": there are %d", attach->number, WIRE_BUFFERS_MAX);
    return 0;
}

static int check_reply(const void *message, size_t payload, struct reason *why)
{
    const struct wire_control *control = message;

    if (control->total > WIRE_TEXT_MAX)
        return refuse(why, WISP_E_INVALID, "a reply of %" PRIu32 " bytes: at most %u", control->total, WIRE_TEXT_MAX);
    if (!size_within(control->offset, payload, control->total))
        return refuse(why, WISP_E_INVALID, "%zu bytes at %" PRIu32 " reach beyond the reply of %" PRIu32 " bytes",
                      payload, control->offset, control->total);
    if (!payload && control->total)
        return refuse(why, WISP_E_INVALID, "an empty part of a reply of %" PRIu32 " bytes", control->total);
    return 0;
}

/* One row a type; `check` gets the bytes beyond `minimum` as the payload's length. */
static const struct message_rule {
    uint16_t type;
    const char *name;
    size_t minimum;
    int (*check)(const void *message, size_t payload, struct reason *why);
} message_rules[] = {
    { WIRE_HELLO, "hello", sizeof(struct wire_hello), check_hello },
    { WIRE_WELCOME, "welcome", sizeof(struct wire_welcome), check_welcome },
    { WIRE_LIST, "list", sizeof(struct wire_control), check_plain },
    { WIRE_DESCRIBE, "describe", sizeof(struct wire_control), check_named },
    { WIRE_NOTIFY, "notify", sizeof(struct wire_control), check_plain },
    { WIRE_STATUS, "status", sizeof(struct wire_control), check_plain },
    { WIRE_RELOAD, "reload", sizeof(struct wire_control), check_plain },
    { WIRE_ROLLBACK, "rollback", sizeof(struct wire_control), check_plain },
    { WIRE_LIST | WIRE_REPLY, "list reply", sizeof(struct wire_control), check_reply },
    { WIRE_DESCRIBE | WIRE_REPLY, "describe reply", sizeof(struct wire_control), check_reply },
    { WIRE_STATUS | WIRE_REPLY, "status reply", sizeof(struct wire_control), check_reply },
    { WIRE_RELOAD | WIRE_REPLY, "reload reply", sizeof(struct wire_control), check_reply },
    { WIRE_STATS, "stats", sizeof(struct wire_control), check_plain },
    { WIRE_CLIENTS, "clients", sizeof(struct wire_control), check_plain },
    { WIRE_STATS | WIRE_REPLY, "stats reply", sizeof(struct wire_control), check_reply },
    { WIRE_CLIENTS | WIRE_REPLY, "clients reply", sizeof(struct wire_control), check_reply },
    { WIRE_ATTACH, "attach", sizeof(struct wire_control) + sizeof(struct wire_attach), check_attach },
    { WIRE_DETACH, "detach", sizeof(struct wire_control) + sizeof(struct wire_attach), check_detach },
    { WIRE_ATTACH | WIRE_REPLY, "attach reply", sizeof(struct wire_control), check_reply },
    { WIRE_DETACH | WIRE_REPLY, "detach reply", sizeof(struct wire_control), check_reply },
    { WIRE_ROLLBACK | WIRE_REPLY, "rollback reply", sizeof(struct wire_control), check_reply },
};

int wire_check_message(const void *message, size_t length, struct reason *why)
{
    const struct wire_header *header = message;
    int result;

    insist((uintptr_t)message % 8 == 0); /* its fields are read as they lie */

    if (length < sizeof *header)
        return refuse(why, WISP_E_INVALID, "message of %zu bytes: shorter than its header", length);
    if (header->magic != WIRE_MAGIC)
        return refuse(why, WISP_E_INVALID, "message begins with %#" PRIx32 ", not with wisp's mark", header->magic);
    if (header->length != length)
        return refuse(why, WISP_E_INVALID, "message of %zu bytes says that it has %" PRIu32, length, header->length);
    if (header->reserved)
        return refuse(why, WISP_E_INVALID, "reserved bytes of the header are not zero");
    for (size_t i = 0; i < ARRAY_SIZE(message_rules); i++) {
        const struct message_rule *rule = &message_rules[i];

        if (rule->type != header->type)
            continue;
        if (length < rule->minimum)
            return refuse(why, WISP_E_INVALID, "%s of %zu bytes: must have %zu", rule->name, length, rule->minimum);
        if (length > rule->minimum + WIRE_CONTROL_MAX)
            return refuse(why, WISP_E_INVALID, "%s of %zu bytes: may have %zu", rule->name, length,
                          rule->minimum + WIRE_CONTROL_MAX);
        result = rule->check(message, length - rule->minimum, why);
        return result ? refuse_in(why, result, "%s", rule->name) : 0;
    }
    return refuse(why, WISP_E_INVALID, "unknown message type %u", header->type);
}

/* ---- negotiation ---- */

/* The power of two that is not below `wanted`, within the limits of both the wire and the offer. */
static uint32_t choose_entries(uint32_t wanted, const struct wire_offer *offer)
{
    uint32_t max = MIN(offer->entries_max, (uint32_t)WIRE_ENTRIES_MAX);
    uint32_t entries = WIRE_ENTRIES_MIN;

    if (!wanted)
        wanted = offer->entries_default;
    while (entries < wanted && entries * 2 <= max)
        entries *= 2;
    return entries;
}

static uint64_t choose_arena(uint64_t wanted, uint64_t usual, const struct wire_offer *offer)
{
    uint64_t max = MIN(offer->arena_max, WIRE_ARENA_MAX) / WIRE_PAGE * WIRE_PAGE;

    if (!wanted)
        wanted = usual;
    wanted = MIN(wanted, max);
    wanted = (wanted + WIRE_PAGE - 1) / WIRE_PAGE * WIRE_PAGE;
    return MAX(wanted, WIRE_ARENA_MIN);
}

static bool wants_no_memory(const struct wire_hello *hello, uint64_t features)
{
    return hello->entries == WIRE_ENTRIES_NONE && features & WIRE_FEATURE_ASKING;
}

int wire_negotiate(const struct wire_hello *hello, const struct wire_offer *offer, struct wire_welcome *welcome)
{
    uint64_t missing = hello->features_needed & ~offer->features;
    unsigned abi = MIN(hello->abi_max, offer->abi_max);

    memset(welcome, 0, sizeof *welcome);
    welcome->header = (struct wire_header){ .magic = WIRE_MAGIC, .type = WIRE_WELCOME, .length = sizeof *welcome };
    if (abi < hello->abi_min || abi < offer->abi_min) {
        snprintf(welcome->text, sizeof welcome->text, "the client speaks ABI %u to %u, the daemon %u to %u",
                 hello->abi_min, hello->abi_max, offer->abi_min, offer->abi_max);
        return welcome->status = WISP_E_VERSION;
    }
    if (missing) {
        snprintf(welcome->text, sizeof welcome->text, "the client needs features %#" PRIx64 " that the daemon lacks",
                 missing);
        return welcome->status = WISP_E_VERSION;
    }
    welcome->abi = (uint16_t)abi;
    welcome->features = hello->features & offer->features;
    if (wants_no_memory(hello, welcome->features))
        return 0;
    welcome->entries = choose_entries(hello->entries, offer);
    welcome->request_arena = choose_arena(hello->request_arena, offer->request_default, offer);
    welcome->response_arena = choose_arena(hello->response_arena, offer->response_default, offer);
    insist(size_is_power_of_two(welcome->entries) && welcome->entries <= WIRE_ENTRIES_MAX, "%u", welcome->entries);
    insist(welcome->request_arena % WIRE_PAGE == 0 && welcome->response_arena % WIRE_PAGE == 0);
    return 0;
}

int wire_check_welcome(const struct wire_welcome *welcome, const struct wire_hello *hello, struct reason *why)
{
    struct wire_layout layout;
    int result;

    if (welcome->status)
        return refuse(why, welcome->status, "%s", *welcome->text ? welcome->text : wisp_status_text(welcome->status));
    if (welcome->abi < hello->abi_min || welcome->abi > hello->abi_max)
        return refuse(why, WISP_E_VERSION, "the daemon chose ABI %u, outside of %u to %u", welcome->abi, hello->abi_min,
                      hello->abi_max);
    if (welcome->features & ~hello->features)
        return refuse(why, WISP_E_VERSION, "the daemon chose features %#" PRIx64 " that were not offered",
                      welcome->features & ~hello->features);
    if (hello->features_needed & ~welcome->features)
        return refuse(why, WISP_E_VERSION, "the daemon left out features %#" PRIx64 " that are needed",
                      hello->features_needed & ~welcome->features);
    if (wants_no_memory(hello, welcome->features)) {
        if (!welcome->entries && !welcome->request_arena && !welcome->response_arena)
            return 0;
        return refuse(why, WISP_E_VERSION, "the daemon gave memory to a client that asked for none");
    }
    result = wire_layout(welcome->entries, welcome->request_arena, welcome->response_arena, &layout, why);
    return result ? refuse_in(why, result, "the daemon chose a channel that cannot be") : 0;
}
