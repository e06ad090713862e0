/* SPDX-License-Identifier: Apache-2.0
 *
 * Bindings: which number stands for a name in the current session, and whether it is still what the program relies on.
 *
 * They are looked up by name and sizes, made once, and never freed before their client: so requests point to them
 * without counting.
 */
#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "client/client.h"

#define RENEW_NS (2 * NS_PER_S)

static struct binding *find(const struct wisp_client *client, const char *name, uint64_t inputs, uint64_t outputs)
{
    for (struct binding *binding = client->bindings; binding; binding = binding->next) {
        if (binding->inputs == inputs && binding->outputs == outputs && !strcmp(binding->name, name))
            return binding;
    }
    return NULL;
}

static struct binding *add(struct wisp_client *client, const char *name, uint64_t inputs, uint64_t outputs)
{
    struct binding *binding = calloc(1, sizeof *binding);

    if (!binding)
        return NULL;
    memcpy(binding->name, name, strnlen(name, sizeof binding->name - 1));
    binding->inputs = inputs;
    binding->outputs = outputs;
    binding->next = client->bindings;
    client->bindings = binding;
    return binding;
}

int binding_note(struct wisp_client *client, const char *name, uint64_t inputs, uint64_t outputs,
                 const struct answer *answer, struct binding **out)
{
    struct binding *binding = NULL;
    int result = 0;

    pthread_mutex_lock(&client->lock);
    if (client->up && answer->serial == client->session->serial) {
        binding = find(client, name, inputs, outputs);
        if (!binding)
            binding = add(client, name, inputs, outputs);
        if (binding) {
            binding->route = answer->route;
            binding->serial = answer->serial;
            binding->status = 0;
        } else {
            result = -ENOMEM;
        }
    }
    pthread_mutex_unlock(&client->lock);
    *out = binding;
    return result ? refuse_errno(last_error(), result, "using %s", name) : 0;
}

int binding_get(struct wisp_client *client, const char *name, uint64_t inputs, uint64_t outputs, struct binding **out)
{
    pthread_mutex_lock(&client->lock);
    *out = find(client, name, inputs, outputs);
    pthread_mutex_unlock(&client->lock);
    /* A model that was found with another client; or the daemon was exchanged in between. */
    while (!*out) {
        uint64_t has_inputs, has_outputs;
        struct answer answer;
        int result = client_ask(client, WIRE_DESCRIBE, name, &answer);

        if (!result && answer.status)
            result = fail(answer.status, "%s", answer.text);
        if (!result)
            result = describe_sizes(answer.text, &has_inputs, &has_outputs, last_error());
        if (!result && (has_inputs != inputs || has_outputs != outputs))
            result = fail(WISP_E_SHAPE, "wispd now serves a %s of another shape: find it anew", name);
        if (!result)
            result = binding_note(client, name, inputs, outputs, &answer, out);
        answer_deinit(&answer);
        if (result)
            return result;
    }
    return 0;
}

/* What a new daemon says of one of them. Its refusals are the binding's affair; a failure to ask is the session's. */
static int renew(struct wisp_client *client, struct binding *binding, struct session *session, uint32_t id,
                 struct reason *why)
{
    uint64_t inputs = 0, outputs = 0;
    struct answer answer;
    int status, result;

    result = session_ask(session, id, WIRE_DESCRIBE, binding->name, clock_ns() + RENEW_NS, &answer, why);
    if (result)
        return refuse_in(why, result, "asking the new wispd about %s", binding->name);
    status = answer.status;
    if (!status)
        status = describe_sizes(answer.text, &inputs, &outputs, NULL);
    if (!status && (inputs != binding->inputs || outputs != binding->outputs))
        status = WISP_E_SHAPE;
    pthread_mutex_lock(&client->lock);
    binding->route = answer.route;
    binding->status = status;
    binding->serial = client->serials + 1; /* which client_adopt() will give it */
    pthread_mutex_unlock(&client->lock);
    answer_deinit(&answer);
    return 0;
}

int bindings_renew(struct wisp_client *client, struct session *session, struct reason *why)
{
    struct binding *first;
    uint32_t id = 0;

    pthread_mutex_lock(&client->lock);
    first = client->bindings; /* none is added while there is no session */
    pthread_mutex_unlock(&client->lock);
    for (struct binding *binding = first; binding; binding = binding->next) {
        int result = renew(client, binding, session, ++id, why);

        if (result)
            return result;
    }
    return 0;
}
