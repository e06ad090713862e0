/* SPDX-License-Identifier: Apache-2.0
 *
 * Regions: made and sealed by one side, checked and mapped by the other. See region.h for why each step is there.
 * No state of its own; any thread.
 */
#include <fcntl.h>
#include <inttypes.h>
#include <sched.h>
#include <stdio.h>
#include <sys/mman.h>
#include <sys/stat.h>
#include <sys/vfs.h>
#include <unistd.h>

#include "base/cleanup.h"
#include "base/clock.h"
#include "base/insist.h"
#include "base/size.h"
#include "libipc/region.h"
#include "libipc/wire_check.h"

#ifndef MADV_POPULATE_READ
#define MADV_POPULATE_READ 22 /* Linux 5.14 */
#endif
#ifndef MFD_NOEXEC_SEAL
#define MFD_NOEXEC_SEAL 0x0008u /* Linux 6.3: never executable, and sealed so */
#endif

/* No layout is larger. Beyond this the kernel would allocate until memory is out, rather than refuse. */
#define CLAIM_MAX (2 * WIRE_ARENA_MAX)

enum {
    SIZE_SEALS = F_SEAL_SHRINK | F_SEAL_GROW,       /* what a peer relies on */
    LAST_SEALS = F_SEAL_FUTURE_WRITE | F_SEAL_SEAL, /* what a reader relies on */
    FILE_SYSTEM = 0x01021994,                       /* tmpfs; hugetlbfs may map pages that are not there */
    BLOCK = 512,                                    /* of st_blocks */
    PIECE = 128 << 10,                              /* that is made present in one go: tens of microseconds */
    YIELD_NS = 2000000,                             /* fewer than a slice of who computes; dozens of requests */
};

static int make_memfd(const char *name)
{
    int fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING | MFD_NOEXEC_SEAL);

    if (fd < 0 && errno == EINVAL)
        fd = memfd_create(name, MFD_CLOEXEC | MFD_ALLOW_SEALING);
    return fd < 0 ? -errno : fd;
}

/* Gives the processor to who waits for it, until that has taken YIELD_NS in all: others answer requests, which takes
 * microseconds, or compute without end, and then would have a slice of it for each piece. */
static void yield_within(uint64_t *yielded)
{
    const uint64_t begun = clock_ns();

    if (*yielded >= YIELD_NS)
        return;
    sched_yield();
    *yielded += clock_ns() - begun;
}

/* A piece at a time, so that a kernel that does not preempt its own work lets others have the processor in between. */
static int make_present(int fd, size_t size)
{
    uint64_t yielded = 0;

    insist(size > 0 && size % WIRE_PAGE == 0, "%zu", size);
    for (size_t at = 0; at < size; at += PIECE) {
        int result;

        do
            result = fallocate(fd, 0, (off_t)at, (off_t)MIN(size - at, (size_t)PIECE));
        while (result < 0 && errno == EINTR);
        if (result < 0)
            return -errno;
        yield_within(&yielded);
    }
    return 0;
}

/* Sized, with every page present, private to this user, and then unchangeable as far as its writer allows. */
static int prepare_memfd(int fd, size_t size, bool ours)
{
    int seals = SIZE_SEALS | (ours ? F_SEAL_SEAL : 0);
    int result;

    if (ftruncate(fd, (off_t)size) < 0 || fchmod(fd, 0600) < 0)
        return -errno;
    result = make_present(fd, size);
    if (result)
        return result;
    return fcntl(fd, F_ADD_SEALS, seals) < 0 ? -errno : 0;
}

static int map(struct region *out, int *fd, size_t size, bool writable)
{
    void *address = mmap(NULL, size, writable ? PROT_READ | PROT_WRITE : PROT_READ, MAP_SHARED, *fd, 0);

    if (address == MAP_FAILED)
        return -errno;
    *out = (struct region){ .fd = steal_fd(fd), .address = address, .size = size };
    return 0;
}

int region_create(struct region *out, const char *name, size_t size, bool writable, struct reason *why)
{
    cleanup_close int fd = -1;
    int result;

    *out = REGION_NULL;
    if (!size || size % WIRE_PAGE || size > CLAIM_MAX)
        return refuse(why, -EINVAL, "region %s of %zu bytes: must be a multiple of %d, at most %llu", name, size,
                      WIRE_PAGE, CLAIM_MAX);
    fd = make_memfd(name);
    if (fd < 0)
        return refuse_errno(why, fd, "cannot make shared memory %s", name);
    result = prepare_memfd(fd, size, writable);
    if (result)
        return refuse_errno(why, result, "cannot allocate %zu bytes of shared memory for %s", size, name);
    result = map(out, &fd, size, writable);
    return result ? refuse_errno(why, result, "cannot map %zu bytes for %s", size, name) : 0;
}

int region_reopen_readonly(const struct region *region)
{
    char path[64];
    int fd;

    insist(region->fd >= 0 && region->address); /* of one that was made, or mapped, and not closed */
    snprintf(path, sizeof path, "/proc/self/fd/%d", region->fd);
    fd = open(path, O_RDONLY | O_CLOEXEC);
    return fd < 0 ? -errno : fd;
}

/* What comes of a descriptor that is none, or of none that has such a thing, is who sent it to blame for; all else not.
 */
static int refuse_examined(struct reason *why, int error, const char *what)
{
    const bool theirs = error == -EBADF || error == -ENOSYS || error == -EOPNOTSUPP;

    return refuse(why, theirs ? WISP_E_INVALID : error, "cannot examine %s: %s", what, wisp_status_text(error));
}

static int check_descriptor(int fd, size_t size, struct reason *why)
{
    struct statfs system;
    struct stat status;
    int seals;

    if (fstat(fd, &status) < 0 || fstatfs(fd, &system) < 0)
        return refuse_examined(why, -errno, "the descriptor");
    if (!S_ISREG(status.st_mode) || system.f_type != FILE_SYSTEM)
        return refuse(why, WISP_E_INVALID, "the descriptor is not plain shared memory");
    if (status.st_size < 0 || (uintmax_t)status.st_size != size)
        return refuse(why, WISP_E_INVALID, "shared memory of %jd bytes where %zu were agreed", (intmax_t)status.st_size,
                      size);
    seals = fcntl(fd, F_GET_SEALS);
    if (seals < 0 && errno != EINVAL)
        return refuse_errno(why, -errno, "cannot see how shared memory is sealed");
    if (seals < 0 || (seals & SIZE_SEALS) != SIZE_SEALS)
        return refuse(why, WISP_E_INVALID, "shared memory that its owner could still resize");
    return 0;
}

int region_map(struct region *out, int fd, size_t size, bool writable, struct reason *why)
{
    cleanup_close int owned = fd;
    int result;

    *out = REGION_NULL;
    result = check_descriptor(fd, size, why);
    if (result)
        return result;
    result = map(out, &owned, size, writable);
    if (result)
        return refuse_errno(why, result, "cannot map %zu bytes of shared memory", size);
    if (madvise(out->address, size, MADV_DONTFORK) < 0) {
        result = -errno;
        region_deinit(out);
        return refuse_errno(why, result, "cannot keep shared memory from forked children");
    }
    return 0;
}

/* What one fallocate() reserves, the next one clears, and takes for written (mm/shmem.c, SGP_FALLOC). */
int region_touch(int fd, size_t size)
{
    const int result = make_present(fd, size);

    return result ? result : make_present(fd, size);
}

/* Where the first page is that nobody has written. What is counted as present may stand behind the end, where nobody
 * who reads gets it, and then a hole is filled in the name of whoever reads it. */
static uint64_t first_hole(int fd)
{
    const off_t at = lseek(fd, 0, SEEK_CUR), hole = lseek(fd, 0, SEEK_HOLE);

    if (at >= 0)
        (void)lseek(fd, at, SEEK_SET); /* it is the owner's, too */
    return hole > 0 ? (uint64_t)hole : 0;
}

/* What the kernel says of it, in this order: once the seals are there, no page can go. */
static int examine(int fd, struct wire_memory *memory)
{
    const int seals = fcntl(fd, F_GET_SEALS);
    struct statfs system;
    struct stat status;

    if (fstat(fd, &status) < 0 || fstatfs(fd, &system) < 0)
        return -errno;
    *memory = (struct wire_memory){ .mode = status.st_mode,
                                    .filesystem = (uint64_t)system.f_type,
                                    .size = status.st_size,
                                    .present = (uint64_t)status.st_blocks * BLOCK,
                                    .seals = seals,
                                    .first_hole = UINT64_MAX };
    return 0;
}

int region_map_theirs(struct region *out, int fd, size_t size, struct reason *why)
{
    cleanup_close int owned = fd;
    struct wire_memory memory;
    void *address;
    int result = examine(owned, &memory);

    *out = REGION_NULL;
    if (result)
        return refuse_examined(why, result, "the buffer");
    result = wire_check_memory(&memory, size, why);
    if (result)
        return result;
    memory.first_hole = first_hole(owned); /* asked of shared memory alone: another file's owner would answer */
    result = wire_check_memory(&memory, size, why);
    if (result)
        return result;
    address = mmap(NULL, size, PROT_READ, MAP_SHARED, owned, 0);
    if (address == MAP_FAILED && errno == EPERM) /* sealed WRITE, before Linux 6.7; nobody writes: it is the same */
        address = mmap(NULL, size, PROT_READ, MAP_PRIVATE, fd, 0);
    if (address == MAP_FAILED)
        return refuse_errno(why, -errno, "cannot map a buffer of %zu bytes", size);
    if (mlock(address, size))
        (void)madvise(address, size, MADV_POPULATE_READ);
    *out = (struct region){ .fd = -1, .address = address, .size = size };
    return 0;
}

int region_seal(const struct region *region, struct reason *why)
{
    insist(region->fd >= 0 && region->address);
    if (fcntl(region->fd, F_ADD_SEALS, LAST_SEALS) < 0)
        return refuse_errno(why, -errno, "cannot seal shared memory");
    return 0;
}

bool region_is_sealed(const struct region *region)
{
    int seals = fcntl(region->fd, F_GET_SEALS);
    struct stat status;

    /* In this order: once the seals are there, no page can go. */
    return seals >= 0 && (seals & LAST_SEALS) == LAST_SEALS && !fstat(region->fd, &status) &&
           (uintmax_t)status.st_blocks * BLOCK >= region->size;
}

void region_deinit(struct region *region)
{
    insist(!region->address == !region->size, "%zu", region->size);
    if (region->address)
        munmap(region->address, region->size);
    if (region->fd >= 0)
        close(region->fd);
    *region = REGION_NULL;
}
