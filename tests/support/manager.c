/* SPDX-License-Identifier: Apache-2.0 */
#include "support/test.h"

#include <errno.h>
#include <fcntl.h>
#include <poll.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mman.h>
#include <sys/socket.h>
#include <sys/stat.h>
#include <sys/un.h>
#include <unistd.h>

#include "support/manager.h"

enum { FIRST = 3, ABOVE = 600, TEXT_MAX = 4096, PATIENCE = 5000, FDS_AT_ONCE = 16 };

/* ---- what it is told ---- */

static void forget(struct manager *manager, const char *name)
{
    size_t left = 0;

    for (size_t i = 0; i < manager->count; i++) {
        if (!strcmp(manager->held[i].name, name))
            close(manager->held[i].fd);
        else
            manager->held[left++] = manager->held[i];
    }
    manager->count = left;
}

/* The last first: nothing is said of their order. */
static void keep(struct manager *manager, const char *name, const int *fds, size_t count)
{
    for (size_t i = count; i-- > 0;) {
        if (manager->count == MANAGER_FDS_MAX) {
            close(fds[i]);
            continue;
        }
        manager->held[manager->count].fd = fds[i];
        snprintf(manager->held[manager->count++].name, sizeof manager->held[0].name, "%s", name);
    }
}

static void take(struct manager *manager, char *text, const int *fds, size_t count)
{
    const char *name = "";
    bool stores = false, removes = false;

    for (char *save, *line = strtok_r(text, "\n", &save); line; line = strtok_r(NULL, "\n", &save)) {
        stores |= !strcmp(line, "FDSTORE=1");
        removes |= !strcmp(line, "FDSTOREREMOVE=1");
        if (!strncmp(line, "FDNAME=", 7))
            name = line + 7;
    }
    pthread_mutex_lock(&manager->lock);
    if (removes)
        forget(manager, name);
    if (stores)
        keep(manager, name, fds, count);
    pthread_mutex_unlock(&manager->lock);
}

static void *listen_to_it(void *argument)
{
    struct manager *manager = argument;
    union {
        struct cmsghdr head;
        char bytes[CMSG_SPACE(FDS_AT_ONCE * sizeof(int))];
    } control;
    char text[TEXT_MAX];
    int fds[FDS_AT_ONCE];

    for (;;) {
        struct iovec part = { .iov_base = text, .iov_len = sizeof text - 1 };
        struct msghdr message = {
            .msg_iov = &part, .msg_iovlen = 1, .msg_control = &control, .msg_controllen = sizeof control
        };
        ssize_t length = recvmsg(manager->socket, &message, MSG_CMSG_CLOEXEC);
        size_t count = 0;

        if (length < 0 && errno == EINTR)
            continue;
        if (length <= 0)
            return NULL;
        text[length] = 0;
        if (!strcmp(text, "END"))
            return NULL;
        for (struct cmsghdr *head = CMSG_FIRSTHDR(&message); head; head = CMSG_NXTHDR(&message, head)) {
            if (head->cmsg_type != SCM_RIGHTS)
                continue;
            count = (head->cmsg_len - CMSG_LEN(0)) / sizeof(int);
            memcpy(fds, CMSG_DATA(head), count * sizeof(int));
        }
        take(manager, text, fds, count);
    }
}

void manager_start(struct manager *manager, const char *folder)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };

    memset(manager, 0, sizeof *manager); /* an assignment would have a second one on the stack */
    manager->capacity = MANAGER_FDS_MAX;
    pthread_mutex_init(&manager->lock, NULL);
    snprintf(manager->path, sizeof manager->path, "%s", scratch_path(folder, "notify"));
    snprintf(address.sun_path, sizeof address.sun_path, "%s", manager->path);
    unlink(address.sun_path);
    manager->socket = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    assert_int_equal(bind(manager->socket, (struct sockaddr *)&address, sizeof address), 0);
    assert_int_equal(pthread_create(&manager->thread, NULL, listen_to_it, manager), 0);
}

void manager_stop(struct manager *manager)
{
    struct sockaddr_un address = { .sun_family = AF_UNIX };
    int fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);

    snprintf(address.sun_path, sizeof address.sun_path, "%s", manager->path);
    assert_int_equal(sendto(fd, "END", 3, 0, (struct sockaddr *)&address, sizeof address), 3);
    close(fd);
    pthread_join(manager->thread, NULL);
    close(manager->socket);
    for (size_t i = 0; i < manager->count; i++)
        close(manager->held[i].fd);
    manager->count = 0;
}

/* ---- what it passes ---- */

static void say(const char *name, unsigned long value)
{
    char text[32];

    snprintf(text, sizeof text, "%lu", value);
    setenv(name, text, 1);
}

void manager_pass(struct manager *manager)
{
    char *names = calloc(MANAGER_FDS_MAX, sizeof manager->held[0].name + 1);
    int fds[MANAGER_FDS_MAX];

    setenv("NOTIFY_SOCKET", manager->path, 1);
    if (manager->capacity)
        say("FDSTORE", manager->capacity);
    if (!names || !manager->count)
        return;
    for (size_t i = 0; i < manager->count; i++) {
        fds[i] = fcntl(manager->held[i].fd, F_DUPFD, ABOVE);
        strcat(names, i ? ":" : "");
        strcat(names, manager->held[i].name);
    }
    for (size_t i = 0; i < manager->count; i++) {
        dup2(fds[i], FIRST + (int)i);
        close(fds[i]);
    }
    say("LISTEN_FDS", manager->count);
    say("LISTEN_PID", (unsigned long)getpid());
    setenv("LISTEN_FDNAMES", names, 1);
}

/* ---- what it holds ---- */

size_t manager_holds(struct manager *manager, const char *prefix)
{
    size_t count = 0;

    pthread_mutex_lock(&manager->lock);
    for (size_t i = 0; i < manager->count; i++)
        count += !strncmp(manager->held[i].name, prefix, strlen(prefix));
    pthread_mutex_unlock(&manager->lock);
    return count;
}

bool manager_comes_to_hold(struct manager *manager, const char *prefix, size_t count)
{
    for (int waited = 0; waited < PATIENCE; waited += 5) {
        if (manager_holds(manager, prefix) == count)
            return true;
        poll(NULL, 0, 5);
    }
    return false;
}

void *manager_map(struct manager *manager, const char *memory, size_t *size)
{
    char path[64], link[128], want[128];
    void *found = NULL;
    struct stat status;

    snprintf(want, sizeof want, "/memfd:%s (deleted)", memory);
    pthread_mutex_lock(&manager->lock);
    for (size_t i = 0; i < manager->count && !found; i++) {
        ssize_t length;

        snprintf(path, sizeof path, "/proc/self/fd/%d", manager->held[i].fd);
        length = readlink(path, link, sizeof link - 1);
        link[length > 0 ? length : 0] = 0;
        if (strcmp(link, want) != 0 || fstat(manager->held[i].fd, &status))
            continue;
        *size = (size_t)status.st_size;
        found = mmap(NULL, *size, PROT_READ | PROT_WRITE, MAP_SHARED, manager->held[i].fd, 0);
        if (found == MAP_FAILED)
            found = NULL;
    }
    pthread_mutex_unlock(&manager->lock);
    return found;
}
