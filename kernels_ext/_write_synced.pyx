# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False
"""Files that survive the end of the machine; the readable twin is ``consilience.kernels._reference.write_synced``.

All system calls are made in one stretch without the interpreter: between two of them a thread of a busy process would
wait for its turn, some 5 ms each time.
"""

from libc.errno cimport EINTR, errno
from libc.stdio cimport rename

import os

cdef extern from "<fcntl.h>" nogil:
    int O_CLOEXEC
    int O_CREAT
    int O_DIRECTORY
    int O_EXCL
    int O_RDONLY
    int O_WRONLY
    int open(const char *path, int flags, ...)

cdef extern from "<unistd.h>" nogil:
    int close(int fd)
    int fsync(int fd)
    int unlink(const char *path)
    ssize_t write(int fd, const void *data, size_t n)


cdef int opened(const char *path, int flags) noexcept nogil:
    cdef int fd
    while True:
        fd = open(path, flags | O_CLOEXEC, 0o666)
        if fd >= 0 or errno != EINTR:
            return fd


cdef int sync_and_close(int fd) noexcept nogil:
    """Return 0 or the error of the two."""
    cdef int failed = 0
    while fsync(fd) < 0:
        if errno != EINTR:
            failed = errno
            break
    # Never again on EINTR: the descriptor is gone then, and may be another thread's.
    if close(fd) < 0 and not failed and errno != EINTR:
        failed = errno
    return failed


cdef int write_and_close(int fd, const unsigned char *data, size_t n) noexcept nogil:
    """Return 0 or the error."""
    cdef size_t done = 0
    cdef ssize_t written
    cdef int failed
    while done < n:
        written = write(fd, data + done, n - done)
        if written >= 0:
            done += written
        elif errno != EINTR:
            failed = errno
            close(fd)
            return failed
    return sync_and_close(fd)


cdef int named(const char *folder, const char *before, const char *after) noexcept nogil:
    """Return 0 or the error."""
    cdef int fd
    if rename(before, after) < 0:
        return errno
    fd = opened(folder, O_RDONLY | O_DIRECTORY)
    return errno if fd < 0 else sync_and_close(fd)


def path_of(path):
    encoded = os.fsencode(path)
    if b"\0" in encoded:
        raise ValueError("embedded null byte")
    return encoded


def write_synced(folder, temporary, name, const unsigned char[::1] data):
    cdef bytes folder_path = path_of(folder)
    cdef bytes before_path = path_of(os.path.join(folder, temporary))
    cdef bytes after_path = path_of(os.path.join(folder, name))
    cdef const char *in_folder = folder_path
    cdef const char *before = before_path
    cdef const char *after = after_path
    cdef size_t n = data.shape[0]
    cdef const unsigned char *first = &data[0] if n else NULL
    cdef int failed
    cdef int fd
    with nogil:
        fd = opened(before, O_WRONLY | O_CREAT | O_EXCL)
        if fd < 0:
            failed = errno
        else:
            failed = write_and_close(fd, first, n)
            if not failed:
                failed = named(in_folder, before, after)
            if failed:
                unlink(before)
    if failed:
        raise OSError(failed, os.strerror(failed), os.path.join(folder, name))
