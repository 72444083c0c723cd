// SPDX-License-Identifier: Apache-2.0
// Data logger on zlib: samples four analogue inputs, filters them, packs blocks with deflate into a ring of flash
// records with a CRC, and prints or searches them from the console.
// Variants: SAMPLE_PERIOD (a constant), ADD_MEDIAN (one function more, in the middle of the image).
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>

#include "board.h"

#ifndef SAMPLE_PERIOD
#define SAMPLE_PERIOD 250  // milliseconds
#endif
#ifdef ADD_MEDIAN
#define FW_VERSION "2.4.0"
#else
#define FW_VERSION "2.3.0"
#endif

enum { kChannels = 4, kSamples = 256, kRecordMagic = 0x4c4f4752, kRecordAlign = 256, kHistory = 7 };

struct Sample {
  uint32_t time;
  int16_t value[kChannels];
};

struct Record {
  uint32_t magic, sequence, time, packed_size, raw_size, crc;
};

struct Channel {
  const char* name;
  const char* unit;
  int32_t gain;  // millionths of a unit for each step
  int32_t offset;
  int32_t low, high;  // alarm limits, thousandths of a unit
  int16_t history[kHistory];
  uint8_t alarm;
};

static struct Channel channels[kChannels] = {
    {"supply", "V", 8057, 0, 10800, 14600, {0}, 0},
    {"coolant", "C", 30518, -50000, -20000, 96000, {0}, 0},
    {"pressure", "bar", 2442, -500, 800, 6500, {0}, 0},
    {"flow", "l/min", 14652, 0, 500, 58000, {0}, 0},
};

static struct Sample samples[kSamples];
static unsigned sample_count;
static uint8_t packed[sizeof samples + 512];
static uint32_t log_end, log_sequence;
static int verbose;

static uint32_t Crc(const void* data, uint32_t size) {
  static const uint32_t table[16] = {
      0x00000000, 0x1db71064, 0x3b6e20c8, 0x26d930ac, 0x76dc4190, 0x6b6b51f4, 0x4db26158, 0x5005713c,
      0xedb88320, 0xf00f9344, 0xd6d6a3e8, 0xcb61b38c, 0x9b64c2b0, 0x86d3d2d4, 0xa00ae278, 0xbdbdf21c};
  const uint8_t* byte = data;
  uint32_t crc = ~0u;
  while (size--) {
    crc ^= *byte++;
    crc = table[crc & 15] ^ (crc >> 4);
    crc = table[crc & 15] ^ (crc >> 4);
  }
  return ~crc;
}

static void* ZAlloc(void* opaque, unsigned count, unsigned size) {
  (void)opaque;
  return malloc((size_t)count * size);
}

static void ZFree(void* opaque, void* block) {
  (void)opaque;
  free(block);
}

static uint32_t Pack(const void* raw, uint32_t size) {
  z_stream stream = {.zalloc = ZAlloc, .zfree = ZFree};
  if (deflateInit2(&stream, 6, Z_DEFLATED, -10, 2, Z_FILTERED) != Z_OK) return 0;
  stream.next_in = (Bytef*)raw;
  stream.avail_in = size;
  stream.next_out = packed;
  stream.avail_out = sizeof packed;
  int status = deflate(&stream, Z_FINISH);
  uint32_t count = stream.total_out;
  deflateEnd(&stream);
  return status == Z_STREAM_END ? count : 0;
}

static int Unpack(const uint8_t* from, uint32_t size, void* to, uint32_t room) {
  z_stream stream = {.zalloc = ZAlloc, .zfree = ZFree};
  if (inflateInit2(&stream, -10) != Z_OK) return -1;
  stream.next_in = (Bytef*)from;
  stream.avail_in = size;
  stream.next_out = to;
  stream.avail_out = room;
  int status = inflate(&stream, Z_FINISH);
  if (status != Z_STREAM_END) printf("record damaged: %s\n", stream.msg ? stream.msg : "short");
  inflateEnd(&stream);
  return status == Z_STREAM_END ? (int)stream.total_out : -1;
}

static const struct Record* RecordAt(uint32_t offset) {
  const struct Record* record = (const struct Record*)board_flash_at(offset);
  if (record->magic != kRecordMagic || record->packed_size > sizeof packed) return NULL;
  return Crc(record + 1, record->packed_size) == record->crc ? record : NULL;
}

static uint32_t RecordSize(uint32_t packed_size) {
  return (sizeof(struct Record) + packed_size + kRecordAlign - 1) & ~(uint32_t)(kRecordAlign - 1);
}

static void FindLogEnd(void) {
  for (uint32_t at = 0; at + kRecordAlign <= board_flash_size();) {
    const struct Record* record = RecordAt(at);
    if (!record) {
      at += kRecordAlign;
      continue;
    }
    at += RecordSize(record->packed_size);
    if (record->sequence >= log_sequence) {
      log_sequence = record->sequence + 1;
      log_end = at;
    }
  }
}

static void StoreBlock(void) {
  uint32_t raw_size = sample_count * sizeof samples[0];
  // Differences pack better than values.
  for (unsigned i = sample_count; i-- > 1;) {
    samples[i].time -= samples[i - 1].time;
    for (int c = 0; c < kChannels; ++c) samples[i].value[c] = (int16_t)(samples[i].value[c] - samples[i - 1].value[c]);
  }
  uint32_t size = Pack(samples, raw_size);
  sample_count = 0;
  if (!size) {
    printf("pack failed, %u bytes lost\n", (unsigned)raw_size);
    return;
  }
  if (log_end + RecordSize(size) > board_flash_size()) log_end = 0;
  struct Record record = {kRecordMagic, log_sequence++, board_millis(), size, raw_size, Crc(packed, size)};
  for (uint32_t at = log_end; at < log_end + RecordSize(size); at += kRecordAlign) {
    if ((at & 0x7ff) == 0) board_flash_erase(at);
  }
  board_flash_write(log_end, &record, sizeof record);
  board_flash_write(log_end + sizeof record, packed, size);
  log_end += RecordSize(size);
  if (verbose) printf("record %u: %u -> %u bytes\n", (unsigned)record.sequence, (unsigned)raw_size, (unsigned)size);
}

static int32_t Physical(const struct Channel* channel, int32_t steps) {
  return steps * channel->gain / 1000 + channel->offset;
}

#ifdef ADD_MEDIAN
// Median of the last values of a channel: one spike no longer raises an alarm.
static int32_t Median(struct Channel* channel, int16_t value) {
  int16_t sorted[kHistory];
  memmove(channel->history, channel->history + 1, sizeof channel->history - sizeof channel->history[0]);
  channel->history[kHistory - 1] = value;
  for (int i = 0; i < kHistory; ++i) {
    int at = i;
    for (; at > 0 && sorted[at - 1] > channel->history[i]; --at) sorted[at] = sorted[at - 1];
    sorted[at] = channel->history[i];
  }
  if (verbose) printf("%s: %d, median %d\n", channel->name, value, sorted[kHistory / 2]);
  return sorted[kHistory / 2];
}
#endif

static void PrintMilli(const char* before, int32_t value, const char* unit) {
  printf("%s%s%d.%03d %s", before, value < 0 ? "-" : "", abs((int)value) / 1000, abs((int)value) % 1000, unit);
}

static void CheckAlarms(struct Sample* sample) {
  for (int c = 0; c < kChannels; ++c) {
    struct Channel* channel = &channels[c];
#ifdef ADD_MEDIAN
    int32_t value = Physical(channel, Median(channel, sample->value[c]));
#else
    int32_t value = Physical(channel, sample->value[c]);
#endif
    uint8_t alarm = value < channel->low ? 1 : value > channel->high ? 2 : 0;
    if (alarm == channel->alarm) continue;
    channel->alarm = alarm;
    board_output((unsigned)c, alarm != 0);
    printf("%s %s", channel->name, alarm == 0 ? "back to normal" : alarm == 1 ? "too low" : "too high");
    PrintMilli(": ", value, channel->unit);
    printf("\n");
  }
}

static void TakeSample(void) {
  struct Sample* sample = &samples[sample_count];
  sample->time = board_millis();
  for (int c = 0; c < kChannels; ++c) sample->value[c] = (int16_t)board_adc((unsigned)c);
  CheckAlarms(sample);
  if (++sample_count == kSamples) StoreBlock();
}

static void DumpRecord(const struct Record* record) {
  struct Sample* block = malloc(record->raw_size);
  if (!block) {
    printf("no memory for %u bytes\n", (unsigned)record->raw_size);
    return;
  }
  int size = Unpack((const uint8_t*)(record + 1), record->packed_size, block, record->raw_size);
  for (int i = 0; i < size / (int)sizeof *block; ++i) {
    if (i) {
      block[i].time += block[i - 1].time;
      for (int c = 0; c < kChannels; ++c) block[i].value[c] = (int16_t)(block[i].value[c] + block[i - 1].value[c]);
    }
    printf("%u", (unsigned)block[i].time);
    for (int c = 0; c < kChannels; ++c) PrintMilli("; ", Physical(&channels[c], block[i].value[c]), channels[c].unit);
    printf("\n");
  }
  free(block);
}

static void CommandDump(const char* argument) {
  uint32_t first = (uint32_t)strtol(argument, NULL, 0);
  for (uint32_t at = 0; at + kRecordAlign <= board_flash_size();) {
    const struct Record* record = RecordAt(at);
    if (record && record->sequence >= first) DumpRecord(record);
    at += record ? RecordSize(record->packed_size) : kRecordAlign;
  }
}

static void CommandList(const char* argument) {
  (void)argument;
  uint32_t raw = 0, stored = 0;
  for (uint32_t at = 0; at + kRecordAlign <= board_flash_size();) {
    const struct Record* record = RecordAt(at);
    if (record) {
      printf("%08x: record %u, time %u, %u -> %u bytes\n", (unsigned)at, (unsigned)record->sequence,
             (unsigned)record->time, (unsigned)record->raw_size, (unsigned)record->packed_size);
      raw += record->raw_size;
      stored += record->packed_size;
    }
    at += record ? RecordSize(record->packed_size) : kRecordAlign;
  }
  printf("%u bytes in %u, %u %%\n", (unsigned)raw, (unsigned)stored, (unsigned)(raw ? stored / (raw / 100 + 1) : 0));
}

static void CommandErase(const char* argument) {
  if (strcmp(argument, "yes")) {
    printf("erase yes: erases the whole log\n");
    return;
  }
  for (uint32_t at = 0; at < board_flash_size(); at += 2048) board_flash_erase(at);
  log_end = log_sequence = 0;
}

static void CommandLimit(const char* argument) {
  for (int c = 0; c < kChannels; ++c) {
    size_t size = strlen(channels[c].name);
    if (strncmp(argument, channels[c].name, size)) continue;
    char* end;
    channels[c].low = (int32_t)strtol(argument + size, &end, 10);
    channels[c].high = (int32_t)strtol(end, NULL, 10);
    PrintMilli("low ", channels[c].low, channels[c].unit);
    PrintMilli(", high ", channels[c].high, channels[c].unit);
    printf("\n");
    return;
  }
  printf("limit CHANNEL LOW HIGH, in thousandths\n");
}

static void CommandVerbose(const char* argument) { verbose = *argument ? atoi(argument) : !verbose; }

static void CommandVersion(const char* argument) {
  (void)argument;
  printf("logger " FW_VERSION ", zlib %s, a sample every %d ms\n", zlibVersion(), SAMPLE_PERIOD);
}

static const struct {
  const char* name;
  void (*run)(const char* argument);
} commands[] = {
    {"dump", CommandDump},   {"list", CommandList},       {"erase", CommandErase},
    {"limit", CommandLimit}, {"verbose", CommandVerbose}, {"version", CommandVersion},
};

static void RunCommand(const char* line) {
  for (unsigned i = 0; i < sizeof commands / sizeof commands[0]; ++i) {
    size_t size = strlen(commands[i].name);
    if (strncmp(line, commands[i].name, size) || (line[size] && line[size] != ' ')) continue;
    commands[i].run(line[size] ? line + size + 1 : line + size);
    return;
  }
  printf("commands:");
  for (unsigned i = 0; i < sizeof commands / sizeof commands[0]; ++i) printf(" %s", commands[i].name);
  printf("\n");
}

int main(void) {
  static char line[80];
  unsigned used = 0;
  CommandVersion("");
  FindLogEnd();
  for (uint32_t next = board_millis();;) {
    if ((int32_t)(board_millis() - next) >= 0) {
      next += SAMPLE_PERIOD;
      TakeSample();
    }
    if (board_line(line, sizeof line, &used)) RunCommand(line);
  }
}
