/* SPDX-License-Identifier: Apache-2.0
 *
 * Where a daemon and programs meet when nobody says where: the service's socket; or, for a user without root, one in
 * the folder that systemd gives to each user who is logged in.
 */
#ifndef BASE_SOCKET_PATH_H
#define BASE_SOCKET_PATH_H

#include <stdbool.h>

#define SOCKET_OF_SERVICE "/run/wisp/wisp.sock"

enum { SOCKET_PATH_MAX = 108 };

/* $XDG_RUNTIME_DIR/wisp/wisp.sock; false when there is no such folder, or the program has raised privileges. */
bool socket_of_user(char path[static SOCKET_PATH_MAX]);

/* Where a daemon listens: as root and as a service on the service's, otherwise on the user's. */
void socket_to_listen(char path[static SOCKET_PATH_MAX]);

/* Where a program connects: the service's socket if that is there, otherwise the user's if that is there. */
void socket_to_connect(char path[static SOCKET_PATH_MAX]);

/* Whether systemctl(1) has to do with the daemon on this path; any other was started by hand, or under another name. */
bool socket_is_of_service(const char *path);

/* Makes the folder of the user's socket, for this user alone, if `path` is that. 0 or -errno. */
int socket_make_folder(const char *path);

#endif
