//===- SessionFile.cpp - Saving and restoring a session
//
// Part of modelc, under the Apache License v2.0 with LLVM Exceptions.
// SPDX-License-Identifier: Apache-2.0 WITH LLVM-exception
//
//===----------------------------------------------------------------------===//
//
//   SessionHeader
//   uint32_t lengths[sequenceCount]        tokens of each sequence
//   uint32_t pages[..]                     for each sequence, its page numbers,
//                                          counted from 0 within this file
//   for each page: int32_t ids[MODELC_PAGE_TOKENS], then for each state: the
//                                          page's bytes
//   for each sequence that has tokens: for each state of sequences: its bytes
//
// Pages that sequences share are written once and are shared again when they
// are restored. The file belongs to one variant of one plan, bound by the
// checksum of the plan's header, which covers those of all sections. It is
// written under a temporary name, readable by its owner only, and renamed.
//
// Restoring maps the file and checks all of it before the session changes.
//
//===----------------------------------------------------------------------===//

#include "exec/Session.h"
#include "modelc/checksum.h"
#include <algorithm>
#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

using namespace modelc::rt;

namespace {

constexpr char kMagic[8] = "MSESS\r\n";
constexpr uint32_t kVersion = 2;

struct SessionHeader {
  char magic[8];
  uint32_t version;
  uint32_t planChecksum; ///< ModelcPlanHeader.checksum.
  uint64_t planBytes;    ///< ModelcPlanHeader.fileBytes.
  uint64_t fileBytes;
  uint32_t variant;
  uint32_t sequenceCount;
  uint32_t pageCount;
  uint32_t checksum; ///< CRC32C of the file with this field zero.
};
static_assert(sizeof(SessionHeader) == 48);
static_assert(offsetof(SessionHeader, planBytes) == 16);
static_assert(offsetof(SessionHeader, checksum) == 44);

/// Writes a file under a temporary name; remembers the first error.
class FileWriter {
public:
  FileWriter(const FileWriter &) = delete;
  FileWriter &operator=(const FileWriter &) = delete;
  explicit FileWriter(const char *path) : path(path) {
    if (asprintf(&temporary, "%s.XXXXXX", path) < 0) {
      temporary = nullptr;
      error = ENOMEM;
      return;
    }
    fd = mkostemp(temporary, O_CLOEXEC);
    if (fd < 0)
      error = errno;
    isTemporary = fd >= 0;
  }
  ~FileWriter() {
    if (fd >= 0)
      close(fd);
    if (isTemporary)
      unlink(temporary);
    free(temporary);
  }
  void write(const void *data, uint64_t bytes, uint64_t offset) {
    const auto *next = static_cast<const uint8_t *>(data);
    while (error == 0 && bytes > 0) {
      const ssize_t written = pwrite(fd, next, bytes, off_t(offset));
      if (written < 0) {
        if (errno != EINTR)
          error = errno;
        continue;
      }
      next += written;
      bytes -= uint64_t(written);
      offset += uint64_t(written);
    }
  }
  /// Gives the file its name. Returns 0 or the first errno.
  int finish() {
    // Some file systems report a failed write only here.
    if (fd >= 0 && close(std::exchange(fd, -1)) != 0 && error == 0)
      error = errno;
    if (error != 0)
      return error;
    if (rename(temporary, path) != 0)
      return errno;
    isTemporary = false;
    return 0;
  }

private:
  const char *const path;
  char *temporary = nullptr;
  int fd = -1;
  bool isTemporary = false;
  int error = 0;
};

/// What there is to save.
struct SessionContents {
  HeapArray<uint32_t> lengths;
  /// Numbers, within the file, of each sequence's pages.
  HeapArray<uint32_t> entries;
  /// The session's number of each page of the file; `pageCount` are valid.
  HeapArray<uint32_t> pages;
  uint32_t pageCount = 0;
};

/// A session file's parts, all inside its bytes.
struct SavedSession {
  const SessionHeader *header;
  const uint32_t *lengths;
  const uint32_t *pages;
  const uint8_t *pageData;
};

} // namespace

static const char *baseName(const char *path) {
  const char *slash = strrchr(path, '/');
  return slash ? slash + 1 : path;
}

/// Bytes of one page: its ids, and its part of all states.
static uint64_t savedPageBytes(const StatePages &pages) {
  uint64_t bytes = StatePages::kPageIdBytes;
  for (size_t i = 0; i < pages.stateCount(); ++i)
    bytes += pages.pageBytes(i);
  return bytes;
}

/// Bytes of what states have of a sequence as a whole.
static uint64_t savedSequenceBytes(const StatePages &pages) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < pages.stateCount(); ++i)
    bytes += pages.sequenceBytes(i);
  return bytes;
}

/// Bytes of the largest part of a state that is saved at once.
static uint64_t largestPiece(const StatePages &pages) {
  uint64_t bytes = 0;
  for (size_t i = 0; i < pages.stateCount(); ++i)
    bytes = std::max({bytes, pages.pageBytes(i), pages.sequenceBytes(i)});
  return bytes;
}

/// How many sequences have tokens, and thus something of their own.
static uint64_t countUsed(const uint32_t *lengths, uint64_t count) {
  return count - uint64_t(std::count(lengths, lengths + count, 0u));
}

static bool listContents(const StatePages &pages, SessionContents *out);
static SessionHeader makeHeader(const modelc_session *session,
                                const SessionContents &contents);
static modelc_code reportWriteError(int error, const Reporter &report);
static modelc_code readSession(const modelc_session *session,
                               std::span<const uint8_t> bytes,
                               const Reporter &report, SavedSession *out);
static modelc_code checkSessionHeader(const modelc_session *session,
                                      std::span<const uint8_t> bytes,
                                      const Reporter &report);
static modelc_code checkPages(const SavedSession &saved, uint64_t entries,
                              const Reporter &report);
static modelc_code checkIds(const modelc_session *session,
                            const SavedSession &saved, const Reporter &report);
static void replaceSequences(modelc_session *session, const SavedSession &saved,
                             HeapArray<uint32_t> *newNumbers);

modelc_code modelc_session_save(const modelc_session *session, const char *path,
                                modelc_status *status) {
  const Reporter report(baseName(path), status);
  // A rename would put a file in the place of a device.
  struct stat target;
  if (stat(path, &target) == 0 && !S_ISREG(target.st_mode))
    return report.fail(MODELC_PERMISSION_DENIED,
                       "cannot save: not a regular file");
  const StatePages &pages = session->pages;
  SessionContents contents;
  HeapArray<uint8_t> buffer;
  if (!listContents(pages, &contents) ||
      !buffer.allocate(pages.memory().needsBuffer() ? largestPiece(pages) : 0))
    return report.fail(MODELC_RESOURCE_EXHAUSTED, "no memory to save");
  const HipCurrentDevice current(session->stream());
  SessionHeader header = makeHeader(session, contents);
  FileWriter file(path);
  uint64_t offset = sizeof(header);
  uint32_t checksum = modelc_crc32c(&header, sizeof(header));
  auto append = [&](const void *data, uint64_t bytes) {
    checksum = modelc_crc32c_extend(checksum, data, bytes);
    file.write(data, bytes, offset);
    offset += bytes;
  };
  auto appendState = [&](const uint8_t *from, uint64_t bytes) {
    append(pages.memory().read(from, bytes, buffer.data()), bytes);
  };
  append(contents.lengths.data(), contents.lengths.size() * sizeof(uint32_t));
  append(contents.entries.data(), contents.entries.size() * sizeof(uint32_t));
  for (uint32_t i = 0; i < header.pageCount; ++i) {
    append(pages.pageIds(contents.pages[i]), StatePages::kPageIdBytes);
    for (size_t state = 0; state < pages.stateCount(); ++state)
      appendState(pages.pool(state) +
                      contents.pages[i] * pages.pageBytes(state),
                  pages.pageBytes(state));
  }
  for (uint32_t s = 0; s < header.sequenceCount; ++s)
    for (size_t state = 0; state < pages.stateCount(); ++state)
      if (contents.lengths[s] > 0)
        appendState(pages.sequencePiece(state, s), pages.sequenceBytes(state));
  if (modelc_code code = session->checkDevice(report))
    return code;
  header.checksum = checksum;
  file.write(&header, sizeof(header), 0);
  if (const int error = file.finish())
    return reportWriteError(error, report);
  return succeed(status);
}

/// Numbers the pages in the order in which the tables first name them. False
/// without memory.
static bool listContents(const StatePages &pages, SessionContents *out) {
  uint32_t sequenceCount = 0;
  uint64_t entryCount = 0;
  for (uint32_t s = 0; s < pages.sequenceCount(); ++s) {
    entryCount += pagesOf(pages.length(s));
    if (pages.length(s) > 0)
      sequenceCount = s + 1;
  }
  HeapArray<uint32_t> numbers; // Of each page: its number in the file + 1.
  if (!out->lengths.allocate(sequenceCount) ||
      !out->entries.allocate(entryCount) ||
      !out->pages.allocate(pages.pageLimit()) ||
      !numbers.allocate(pages.pageLimit()))
    return false;
  uint64_t entry = 0;
  for (uint32_t s = 0; s < sequenceCount; ++s) {
    out->lengths[s] = pages.length(s);
    const uint32_t *table =
        pages.pageTables() + uint64_t(s) * pages.pagesPerSequence();
    for (uint32_t i = 0; i < pagesOf(pages.length(s)); ++i) {
      uint32_t &number = numbers[table[i]];
      if (number == 0) {
        out->pages[out->pageCount] = table[i];
        number = ++out->pageCount;
      }
      out->entries[entry++] = number - 1;
    }
  }
  return true;
}

/// All but the checksum.
static SessionHeader makeHeader(const modelc_session *session,
                                const SessionContents &contents) {
  const modelc_plan &plan = *session->plan;
  SessionHeader header = {};
  memcpy(header.magic, kMagic, sizeof(kMagic));
  header.version = kVersion;
  header.planChecksum = plan.tables.header->checksum;
  header.planBytes = plan.tables.header->fileBytes;
  header.variant = plan.variantIndex;
  header.sequenceCount = uint32_t(contents.lengths.size());
  header.pageCount = contents.pageCount;
  header.fileBytes =
      sizeof(header) +
      (contents.lengths.size() + contents.entries.size()) * sizeof(uint32_t) +
      header.pageCount * savedPageBytes(session->pages) +
      countUsed(contents.lengths.data(), header.sequenceCount) *
          savedSequenceBytes(session->pages);
  return header;
}

static modelc_code reportWriteError(int error, const Reporter &report) {
  modelc_code code = MODELC_PERMISSION_DENIED;
  if (error == ENOSPC || error == EDQUOT || error == ENOMEM || error == EFBIG)
    code = MODELC_RESOURCE_EXHAUSTED;
  else if (error == ENOENT || error == ENOTDIR)
    code = MODELC_NOT_FOUND;
  return report.fail(code, "cannot save: %s", strerror(error));
}

modelc_code modelc_session_restore(modelc_session *session, const char *path,
                                   modelc_status *status) {
  const Reporter report(baseName(path), status);
  Mapping file;
  const int fd = open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK);
  if (fd < 0)
    return report.fail(errno == ENOENT || errno == ENOTDIR
                           ? MODELC_NOT_FOUND
                           : MODELC_PERMISSION_DENIED,
                       "cannot open: %s", strerror(errno));
  struct stat facts;
  const bool isFile = fstat(fd, &facts) == 0 && S_ISREG(facts.st_mode);
  const bool isLongEnough =
      isFile && facts.st_size >= off_t(sizeof(SessionHeader));
  const bool isMapped =
      isLongEnough && file.mapFile(fd, uint64_t(facts.st_size));
  const int mapError = errno;
  close(fd);
  if (!isLongEnough)
    return report.damaged("not a saved session");
  if (!isMapped)
    return report.fail(MODELC_RESOURCE_EXHAUSTED, "cannot map: %s",
                       strerror(mapError));

  SavedSession saved;
  if (modelc_code code =
          readSession(session, {file.data(), file.size()}, report, &saved))
    return code;
  HeapArray<uint32_t> newNumbers;
  if (!newNumbers.allocate(saved.header->pageCount))
    return report.fail(MODELC_RESOURCE_EXHAUSTED, "no memory to restore");
  if (modelc_code code = session->checkDevice(report))
    return code;
  const HipCurrentDevice current(session->stream());
  replaceSequences(session, saved, &newNumbers);
  if (modelc_code code = session->checkDevice(report)) {
    // What came of the states is not known.
    for (uint32_t s = 0; s < session->pages.sequenceCount(); ++s)
      session->pages.truncate(s, 0);
    return code;
  }
  return succeed(status);
}

static modelc_code readSession(const modelc_session *session,
                               std::span<const uint8_t> bytes,
                               const Reporter &report, SavedSession *out) {
  if (modelc_code code = checkSessionHeader(session, bytes, report))
    return code;
  const auto *header = reinterpret_cast<const SessionHeader *>(bytes.data());
  const StatePages &pages = session->pages;
  uint64_t left = bytes.size() - sizeof(SessionHeader);
  if (header->sequenceCount > left / sizeof(uint32_t))
    return report.damaged("ends inside its lengths");
  left -= header->sequenceCount * sizeof(uint32_t);
  out->header = header;
  out->lengths = reinterpret_cast<const uint32_t *>(header + 1);
  out->pages = out->lengths + header->sequenceCount;
  uint64_t entries = 0;
  for (uint32_t s = 0; s < header->sequenceCount; ++s) {
    if (out->lengths[s] > pages.contextTokens())
      return report.fail(MODELC_FAILED_PRECONDITION,
                         "sequence %" PRIu32 " has %" PRIu32
                         " tokens, the session's context %" PRIu32,
                         s, out->lengths[s], pages.contextTokens());
    entries += pagesOf(out->lengths[s]);
  }
  if (entries > left / sizeof(uint32_t))
    return report.damaged("ends inside its page tables");
  left -= entries * sizeof(uint32_t);
  out->pageData = reinterpret_cast<const uint8_t *>(out->pages + entries);
  uint64_t dataBytes, sequenceBytes;
  if (!checkedMul(countUsed(out->lengths, header->sequenceCount),
                  savedSequenceBytes(pages), &sequenceBytes) ||
      sequenceBytes > left)
    return report.damaged("ends inside its sequences");
  left -= sequenceBytes;
  if (!checkedMul(header->pageCount, savedPageBytes(pages), &dataBytes) ||
      dataBytes != left)
    return report.damaged("has %" PRIu64
                          " bytes of pages, not those of %" PRIu32 " pages",
                          left, header->pageCount);
  if (modelc_code code = checkPages(*out, entries, report))
    return code;
  return checkIds(session, *out, report);
}

static modelc_code checkSessionHeader(const modelc_session *session,
                                      std::span<const uint8_t> bytes,
                                      const Reporter &report) {
  const auto *header = reinterpret_cast<const SessionHeader *>(bytes.data());
  if (memcmp(header->magic, kMagic, sizeof(kMagic)) != 0)
    return report.damaged("not a saved session");
  if (header->version != kVersion)
    return report.fail(MODELC_FAILED_PRECONDITION,
                       "session version %" PRIu32
                       ", this runtime reads %" PRIu32,
                       header->version, kVersion);
  if (header->fileBytes != bytes.size())
    return report.damaged("has %zu bytes, its header says %" PRIu64,
                          bytes.size(), header->fileBytes);
  SessionHeader copy = *header;
  copy.checksum = 0;
  const uint32_t checksum = modelc_crc32c_extend(
      modelc_crc32c(&copy, sizeof(copy)), bytes.data() + sizeof(copy),
      bytes.size() - sizeof(copy));
  if (checksum != header->checksum)
    return report.damaged("checksum 0x%08" PRIx32
                          ", but its bytes have 0x%08" PRIx32,
                          header->checksum, checksum);
  const modelc_plan &plan = *session->plan;
  if (header->planChecksum != plan.tables.header->checksum ||
      header->planBytes != plan.tables.header->fileBytes ||
      header->variant != plan.variantIndex)
    return report.fail(MODELC_FAILED_PRECONDITION,
                       "was saved with another plan than %s", plan.name);

  if (header->sequenceCount > session->pages.sequenceCount())
    return report.fail(MODELC_FAILED_PRECONDITION,
                       "has %" PRIu32 " sequences, the session %" PRIu32,
                       header->sequenceCount, session->pages.sequenceCount());
  return MODELC_OK;
}

/// Pages are numbered in the order in which the tables first name them.
static modelc_code checkPages(const SavedSession &saved, uint64_t entries,
                              const Reporter &report) {
  uint32_t named = 0;
  for (uint64_t i = 0; i < entries; ++i) {
    if (saved.pages[i] > named || saved.pages[i] >= saved.header->pageCount)
      return report.damaged("page table entry %" PRIu64 ": page %" PRIu32
                            " out of order",
                            i, saved.pages[i]);
    named += saved.pages[i] == named;
  }
  if (named != saved.header->pageCount)
    return report.damaged("names %" PRIu32 " of its %" PRIu32 " pages", named,
                          saved.header->pageCount);
  return MODELC_OK;
}

/// Ids of the vocabulary alone are given out.
static modelc_code checkIds(const modelc_session *session,
                            const SavedSession &saved, const Reporter &report) {
  const uint64_t pageBytes = savedPageBytes(session->pages);
  for (uint32_t page = 0; page < saved.header->pageCount; ++page) {
    int32_t ids[MODELC_PAGE_TOKENS];
    memcpy(ids, saved.pageData + page * pageBytes, sizeof(ids));
    for (int32_t id : ids)
      if (id < 0 || uint32_t(id) >= session->plan->variant.variant->vocabSize)
        return report.damaged("page %" PRIu32 ": token id %" PRId32
                              " is outside the vocabulary",
                              page, id);
  }
  return MODELC_OK;
}

static void replaceSequences(modelc_session *session, const SavedSession &saved,
                             HeapArray<uint32_t> *newNumbers) {
  StatePages &pages = session->pages;
  for (uint32_t s = 0; s < pages.sequenceCount(); ++s)
    pages.truncate(s, 0);
  const uint8_t *next = saved.pageData;
  for (uint32_t &page : *newNumbers) {
    page = pages.takePage();
    memcpy(pages.pageIds(page), next, StatePages::kPageIdBytes);
    next += StatePages::kPageIdBytes;
    for (size_t state = 0; state < pages.stateCount(); ++state) {
      const uint64_t pageBytes = pages.pageBytes(state);
      pages.memory().write(pages.pool(state) + page * pageBytes, next,
                           pageBytes);
      next += pageBytes;
    }
  }
  for (uint32_t s = 0; s < saved.header->sequenceCount; ++s)
    for (size_t state = 0; saved.lengths[s] > 0 && state < pages.stateCount();
         ++state) {
      pages.memory().write(pages.sequencePiece(state, s), next,
                           pages.sequenceBytes(state));
      next += pages.sequenceBytes(state);
    }
  const uint32_t *entry = saved.pages;
  for (uint32_t s = 0; s < saved.header->sequenceCount; ++s) {
    const uint32_t length = saved.lengths[s];
    for (uint32_t i = 1; i <= pagesOf(length); ++i)
      pages.appendPage(s, (*newNumbers)[*entry++],
                       std::min(i * MODELC_PAGE_TOKENS, length));
  }
}
