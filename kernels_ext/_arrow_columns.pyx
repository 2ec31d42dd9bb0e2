# cython: language_level=3, boundscheck=False, wraparound=False, initializedcheck=False, cdivision=True
"""Rows of Python objects as Arrow's buffers; the readable twin is ``consilience.kernels._reference.arrow_columns``.

It never lets go of the interpreter: a thread of a busy process would wait some 5 ms to get it back, column by column.
"""

from cpython.bytes cimport PyBytes_AS_STRING, PyBytes_FromStringAndSize
from cpython.datetime cimport (
    PyDateTime_Check, datetime_day, datetime_hour, datetime_microsecond, datetime_minute, datetime_month,
    datetime_second, datetime_tzinfo, datetime_year, import_datetime,
)
from cpython.tuple cimport PyTuple_CheckExact, PyTuple_GET_ITEM, PyTuple_GET_SIZE
from libc.stdint cimport INT32_MAX, int32_t, int64_t
from libc.string cimport memcpy, memset

from datetime import UTC

cdef extern from "Python.h":
    const char *PyUnicode_AsUTF8AndSize(object text, Py_ssize_t *size) except NULL

import_datetime()

cdef object _UTC = UTC


cdef bytes zeros(Py_ssize_t n):
    cdef bytes made = PyBytes_FromStringAndSize(NULL, n)
    memset(PyBytes_AS_STRING(made), 0, n)
    return made


cdef inline object cell(list rows, Py_ssize_t row, Py_ssize_t column):
    return <object> PyTuple_GET_ITEM(<tuple> rows[row], column)


cdef int refuse(object value, str wanted) except -1:
    raise TypeError(f"a column of {wanted} came with {type(value).__name__}")


cdef bytes validity(list rows, Py_ssize_t column, Py_ssize_t before, Py_ssize_t n, Py_ssize_t *known):
    """Return the bits of the cells that are not None, and count them."""
    cdef bytes bits = zeros((n + 7) // 8)
    cdef char *first = PyBytes_AS_STRING(bits)
    cdef Py_ssize_t row
    cdef Py_ssize_t place
    known[0] = 0
    for row in range(len(rows)):
        if cell(rows, row, column) is not None:
            place = before + row
            first[place >> 3] |= 1 << (place & 7)
            known[0] += 1
    return bits


cdef tuple texts(list rows, Py_ssize_t column, Py_ssize_t before, Py_ssize_t n):
    cdef Py_ssize_t row
    cdef Py_ssize_t size
    cdef int64_t total = 0
    cdef object value
    for row in range(len(rows)):
        value = cell(rows, row, column)
        if value is not None:
            if not isinstance(value, str):
                refuse(value, "text")
            PyUnicode_AsUTF8AndSize(value, &size)
            total += size
    if total > INT32_MAX:
        raise OverflowError(f"a column holds 2 GiB of text at most, {total:,} bytes came")
    cdef bytes ends = PyBytes_FromStringAndSize(NULL, (n + 1) * sizeof(int32_t))
    cdef bytes data = PyBytes_FromStringAndSize(NULL, total)
    cdef int32_t *end = <int32_t *> PyBytes_AS_STRING(ends)
    cdef char *to = PyBytes_AS_STRING(data)
    cdef const char *source
    cdef int32_t at = 0
    memset(end, 0, (before + 1) * sizeof(int32_t))
    for row in range(len(rows)):
        value = cell(rows, row, column)
        if value is not None:
            source = PyUnicode_AsUTF8AndSize(value, &size)
            memcpy(to + at, source, size)
            at += <int32_t> size
        end[before + row + 1] = at
    for row in range(before + len(rows) + 1, n + 1):
        end[row] = at
    return ends, data


cdef tuple integers(list rows, Py_ssize_t column, Py_ssize_t before, Py_ssize_t n):
    cdef bytes data = zeros(n * sizeof(int64_t))
    cdef int64_t *to = <int64_t *> PyBytes_AS_STRING(data) + before
    cdef object value
    cdef Py_ssize_t row
    for row in range(len(rows)):
        value = cell(rows, row, column)
        if value is not None:
            if not isinstance(value, int):
                refuse(value, "integers")
            to[row] = <int64_t> value
    return (data,)


cdef tuple numbers(list rows, Py_ssize_t column, Py_ssize_t before, Py_ssize_t n):
    cdef bytes data = zeros(n * sizeof(double))
    cdef double *to = <double *> PyBytes_AS_STRING(data) + before
    cdef object value
    cdef Py_ssize_t row
    for row in range(len(rows)):
        value = cell(rows, row, column)
        if value is not None:
            if not isinstance(value, (float, int)):
                refuse(value, "numbers")
            to[row] = <double> value
    return (data,)


cdef tuple truths(list rows, Py_ssize_t column, Py_ssize_t before, Py_ssize_t n):
    cdef bytes data = zeros((n + 7) // 8)
    cdef char *to = PyBytes_AS_STRING(data)
    cdef object value
    cdef Py_ssize_t row
    for row in range(len(rows)):
        value = cell(rows, row, column)
        if value is True:
            to[(before + row) >> 3] |= 1 << ((before + row) & 7)
        elif value is not None and value is not False:
            refuse(value, "truths")
    return (data,)


cdef int64_t days(int64_t year, int month, int day) noexcept:
    """Return the days since 1970 (H. Hinnant, chrono-Compatible Low-Level Date Algorithms, days_from_civil)."""
    if month <= 2:
        year -= 1
    cdef int64_t era = year // 400
    cdef int64_t of_era = year - era * 400
    cdef int64_t of_year = (153 * (month + (-3 if month > 2 else 9)) + 2) // 5 + day - 1
    return era * 146097 + of_era * 365 + of_era // 4 - of_era // 100 + of_year - 719468


cdef int64_t microseconds(object when) except? -1:
    cdef int64_t seconds = days(datetime_year(when), datetime_month(when), datetime_day(when)) * 86400
    seconds += datetime_hour(when) * 3600 + datetime_minute(when) * 60 + datetime_second(when)
    cdef int64_t found = seconds * 1000000 + datetime_microsecond(when)
    if datetime_tzinfo(when) is _UTC:
        return found
    offset = when.utcoffset()
    if offset is None:
        refuse(when, "times with a zone")
    return found - ((<int64_t> offset.days * 86400 + <int64_t> offset.seconds) * 1000000 + offset.microseconds)


cdef tuple moments(list rows, Py_ssize_t column, Py_ssize_t before, Py_ssize_t n):
    cdef bytes data = zeros(n * sizeof(int64_t))
    cdef int64_t *to = <int64_t *> PyBytes_AS_STRING(data) + before
    cdef object value
    cdef Py_ssize_t row
    for row in range(len(rows)):
        value = cell(rows, row, column)
        if value is not None:
            if not PyDateTime_Check(value):
                refuse(value, "times with a zone")
            to[row] = microseconds(value)
    return (data,)


def arrow_columns(list rows, str kinds, Py_ssize_t before, Py_ssize_t after):
    cdef Py_ssize_t n = before + len(rows) + after
    cdef Py_ssize_t known = 0
    cdef Py_ssize_t column
    cdef bytes bits
    cdef object row
    for row in rows:
        if not PyTuple_CheckExact(row) or PyTuple_GET_SIZE(row) != len(kinds):
            raise ValueError(f"a row is a tuple of {len(kinds)} cells")
    found = []
    for column, kind in enumerate(kinds):
        bits = validity(rows, column, before, n, &known)
        if not known:
            found.append(None)
            continue
        if kind == "t":
            buffers = texts(rows, column, before, n)
        elif kind == "i":
            buffers = integers(rows, column, before, n)
        elif kind == "f":
            buffers = numbers(rows, column, before, n)
        elif kind == "b":
            buffers = truths(rows, column, before, n)
        else:
            buffers = moments(rows, column, before, n)
        found.append((n - known, (bits, *buffers)))
    return found
