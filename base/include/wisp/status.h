/* SPDX-License-Identifier: Apache-2.0
 *
 * The conditions wisp reports to a caller.
 *
 * Every function of wisp that can fail returns int: 0 is success; a negative value is -errno, a fault of the system
 * that the caller forwards; a positive value is one of the documented conditions below, which the caller handles. The
 * same numbers travel on the wire as the status of a completion, so they are never renumbered.
 */
#ifndef WISP_STATUS_H
#define WISP_STATUS_H

#ifdef __cplusplus
extern "C" {
#endif

enum wisp_status {
    WISP_OK = 0,
    WISP_E_INVALID = 1,      /* the request itself is malformed: offset, length, reserved bytes */
    WISP_E_SHAPE = 2,        /* the tensor does not have the shape the model takes */
    WISP_E_NO_MODEL = 3,     /* no model of that name or processing type */
    WISP_E_BUSY = 4,         /* a queue or quota is full; try again */
    WISP_E_DEADLINE = 5,     /* the deadline passed before the answer */
    WISP_E_SHUTDOWN = 6,     /* the daemon is stopping; retried by libwisp after reconnecting */
    WISP_E_NO_DAEMON = 7,    /* nothing listens on the socket */
    WISP_E_DENIED = 8,       /* no permission on the socket; or more was asked for than a user may ever have */
    WISP_E_VERSION = 9,      /* client and daemon share no protocol version or a required feature */
    WISP_E_FORMAT = 10,      /* an input file is damaged or not of the expected format */
    WISP_E_CONFIG = 11,      /* the configuration is wrong */
    WISP_E_CANCELLED = 12,   /* cancelled by the caller */
    WISP_E_NO_SPACE = 13,    /* the channel's shared memory cannot hold the tensors */
    WISP_E_LOST = 14,        /* the connection was lost and reconnecting is off or failed */
    WISP_E_TIMEOUT = 15,     /* the caller's own wait ran out; the request is still under way */
    WISP_E_NOT_SPARSE = 16,  /* the operation is not defined for a dense tensor */
    WISP_E_INTERRUPTED = 17, /* stopped by a signal; what there was is saved */
    WISP_E_CHANGED = 18,     /* another model stands behind the name since it was found: find it anew */
    WISP_E_MAX
};

/* "no such model" for WISP_E_NO_MODEL, strerror()'s text for a negative errno. Never NULL; not to be freed. */
const char *wisp_status_text(int status);

/* "WISP_E_NO_MODEL", "ENOMEM"; for logs and --json. Never NULL. */
const char *wisp_status_name(int status);

#ifdef __cplusplus
}
#endif
#endif
