// SPDX-License-Identifier: Apache-2.0
// What of mote a firmware carries. Define these for all of mote's sources and for your own (-DMOTE_WITH_MODEL=0): they change
// the size of the state objects. A delta whose codec was left out ends in kUnsupported, before anything is erased.
#pragma once

/// Codec lzss: the smallest decoder.
#ifndef MOTE_WITH_LZSS
#define MOTE_WITH_LZSS 1
#endif

/// Codec raw: the patcher without a decoder. Codec lzss brings it along.
#ifndef MOTE_WITH_RAW
#define MOTE_WITH_RAW 1
#endif

/// Codec model: the smallest deltas.
#ifndef MOTE_WITH_MODEL
#define MOTE_WITH_MODEL 1
#endif

/// Codec model in a KiB of RAM: a firmware that takes only deltas made for that, and with at most one segment.
#ifndef MOTE_SMALL_MODEL
#define MOTE_SMALL_MODEL 0
#endif

/// Whether an interrupted update can go on from a checkpoint in flash (stream/checkpoint.h).
#ifndef MOTE_WITH_CHECKPOINT
#define MOTE_WITH_CHECKPOINT 0
#endif

/// Whether the bootloader can rebuild an image in place, where there is room for one only (stream/in_place.h). Needs
/// MOTE_WITH_MODEL, MOTE_WITH_CHECKPOINT and MOTE_WITH_INSTALL.
#ifndef MOTE_WITH_IN_PLACE
#define MOTE_WITH_IN_PLACE 0
#endif

/// Whether the bootloader can install images from a staging slot (static layouts, agent/layout.h). Without, only A/B.
#ifndef MOTE_WITH_INSTALL
#define MOTE_WITH_INSTALL 1
#endif

/// Whether bootloader and agent check signatures (agent/agent.h). Without, Layout::trust must be null.
#ifndef MOTE_WITH_TRUST
#define MOTE_WITH_TRUST 0
#endif

/// Whether the agent takes statements, by which the vendor replaces keys. Without, offers that carry any are refused.
#ifndef MOTE_WITH_STATEMENTS
#define MOTE_WITH_STATEMENTS MOTE_WITH_TRUST
#endif

/// Whether the agent takes encrypted payloads.
#ifndef MOTE_WITH_ENCRYPTION
#define MOTE_WITH_ENCRYPTION MOTE_WITH_TRUST
#endif

/// Which instruction sets codec model predicts addresses for; pointers always. A delta for one that was left out ends in
/// kUnsupported. For a firmware that only ever runs on one: -DMOTE_ONE_ARCHITECTURE=1 -DMOTE_WITH_THUMB=1, for example.
#ifndef MOTE_ONE_ARCHITECTURE
#define MOTE_ONE_ARCHITECTURE 0
#endif
#ifndef MOTE_WITH_THUMB
#define MOTE_WITH_THUMB !MOTE_ONE_ARCHITECTURE
#endif
#ifndef MOTE_WITH_XTENSA
#define MOTE_WITH_XTENSA !MOTE_ONE_ARCHITECTURE
#endif
#ifndef MOTE_WITH_RISCV
#define MOTE_WITH_RISCV !MOTE_ONE_ARCHITECTURE
#endif
#ifndef MOTE_WITH_AARCH64
#define MOTE_WITH_AARCH64 !MOTE_ONE_ARCHITECTURE
#endif
#ifndef MOTE_WITH_TC32
#define MOTE_WITH_TC32 !MOTE_ONE_ARCHITECTURE
#endif
#ifndef MOTE_WITH_8051
#define MOTE_WITH_8051 !MOTE_ONE_ARCHITECTURE
#endif
#ifndef MOTE_WITH_MIPS
#define MOTE_WITH_MIPS !MOTE_ONE_ARCHITECTURE
#endif
/// Big-endian images, the 8051's calls among them.
#ifndef MOTE_WITH_BIG_ENDIAN
#define MOTE_WITH_BIG_ENDIAN (MOTE_WITH_8051 || !MOTE_ONE_ARCHITECTURE)
#endif

/// Whether an instruction set is among them whose addresses stand in pairs of instructions.
#define MOTE_WITH_PAIRS (MOTE_WITH_RISCV || MOTE_WITH_AARCH64)

#if MOTE_WITH_IN_PLACE && !(MOTE_WITH_MODEL && MOTE_WITH_CHECKPOINT && MOTE_WITH_INSTALL)
#error "MOTE_WITH_IN_PLACE needs MOTE_WITH_MODEL, MOTE_WITH_CHECKPOINT and MOTE_WITH_INSTALL"
#endif
