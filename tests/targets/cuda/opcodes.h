// The instructions of PTX that the translator knows, as functions of integers.
//
// NVIDIA, "Parallel Thread Execution ISA", 9.7 (integer arithmetic, logic and shift, comparison,
// data movement). Registers are unsigned; T is the type in the opcode, and an argument becomes a T
// by being cut off. A signed result is extended by its sign into a wider register (7.4.1).
#pragma once

#include "machine.h"

namespace ptx {

using machine::Access;
using machine::kAtomic;
using machine::kLoad;
using machine::kStore;
using machine::Kernel;
using machine::Thread;

using s8 = int8_t;
using s16 = int16_t;
using s32 = int32_t;
using s64 = int64_t;
using u8 = uint8_t;
using u16 = uint16_t;
using u32 = uint32_t;
using u64 = uint64_t;
using b8 = uint8_t;
using b16 = uint16_t;
using b32 = uint32_t;
using b64 = uint64_t;
using pred = bool;

template <int Bytes>
struct Of;
template <>
struct Of<1> {
  using U = uint8_t;
};
template <>
struct Of<2> {
  using U = uint16_t;
  using WideS = int32_t;
  using WideU = uint32_t;
};
template <>
struct Of<4> {
  using U = uint32_t;
  using WideS = int64_t;
  using WideU = uint64_t;
};
template <>
struct Of<8> {
  using U = uint64_t;
  using WideS = __int128;
  using WideU = unsigned __int128;
};

template <class T>
constexpr bool kSigned = static_cast<T>(-1) < T{1};
template <class T>
constexpr int kBits = 8 * sizeof(T);
template <bool Choice, class A, class B>
struct Either {
  using Type = A;
};
template <class A, class B>
struct Either<false, A, B> {
  using Type = B;
};
template <class T>
using Unsigned = typename Of<sizeof(T)>::U;
template <class T>
using Wide = typename Either<kSigned<T>, typename Of<sizeof(T)>::WideS,
                             typename Of<sizeof(T)>::WideU>::Type;

// Sums and products leave out what does not fit, so they are taken without a sign, in 64 bits.
template <class T> T add(T a, T b) { return static_cast<T>(uint64_t(a) + uint64_t(b)); }
template <class T> T sub(T a, T b) { return static_cast<T>(uint64_t(a) - uint64_t(b)); }
template <class T> T neg(T a) { return static_cast<T>(0 - uint64_t(a)); }
template <class T> T abs(T a) { return a < 0 ? neg<T>(a) : a; }
template <class T> T mul_lo(T a, T b) { return static_cast<T>(uint64_t(a) * uint64_t(b)); }
template <class T> T mad_lo(T a, T b, T c) { return add<T>(mul_lo<T>(a, b), c); }
template <class T> Wide<T> mul_wide(T a, T b) { return Wide<T>(a) * Wide<T>(b); }
template <class T> Wide<T> mad_wide(T a, T b, Wide<T> c) { return add<Wide<T>>(mul_wide<T>(a, b), c); }
template <class T> T mul_hi(T a, T b) { return static_cast<T>((Wide<T>(a) * Wide<T>(b)) >> kBits<T>); }
template <class T> T mad_hi(T a, T b, T c) { return add<T>(mul_hi<T>(a, b), c); }
template <class T> T min(T a, T b) { return a < b ? a : b; }
template <class T> T max(T a, T b) { return a > b ? a : b; }
// A quotient by zero is unspecified (9.7.1.8); here it is all ones. -2**31 / -1 leaves out the rest.
template <class T> T div(T a, T b) {
  if (b == 0) return static_cast<T>(~uint64_t{0});
  if (kSigned<T> && b == static_cast<T>(-1)) return neg<T>(a);
  return static_cast<T>(a / b);
}
template <class T> T rem(T a, T b) {
  if (b == 0) return a;
  if (kSigned<T> && b == static_cast<T>(-1)) return T{0};
  return static_cast<T>(a % b);
}

template <class T> T and_(T a, T b) { return static_cast<T>(a & b); }
template <class T> T or_(T a, T b) { return static_cast<T>(a | b); }
template <class T> T xor_(T a, T b) { return static_cast<T>(a ^ b); }
template <class T> T not_(T a) { return static_cast<T>(~a); }
template <> inline bool not_<bool>(bool a) { return !a; }
// Shifts by the width or more are those by the width (9.7.8.8, 9.7.8.9).
template <class T> T shl(T a, u32 n) {
  return n >= kBits<T> ? T{0} : static_cast<T>(uint64_t(a) << n);
}
template <class T> T shr(T a, u32 n) {
  if (n >= kBits<T>) return kSigned<T> && a < 0 ? static_cast<T>(-1) : T{0};
  return static_cast<T>(a >> n);
}

template <class T> bool setp_eq(T a, T b) { return a == b; }
template <class T> bool setp_ne(T a, T b) { return a != b; }
template <class T> bool setp_lt(T a, T b) { return a < b; }
template <class T> bool setp_le(T a, T b) { return a <= b; }
template <class T> bool setp_gt(T a, T b) { return a > b; }
template <class T> bool setp_ge(T a, T b) { return a >= b; }
template <class T> T selp(T a, T b, bool p) { return p ? a : b; }

template <class T> T mov(T a) { return a; }
template <class To, class From> To cvt(From a) { return static_cast<To>(a); }
inline u64 cvta_to_global(u64 a) { return a; }

inline u32 popc(u32 a) { return static_cast<u32>(__builtin_popcount(a)); }
inline u32 clz(u32 a) { return a ? static_cast<u32>(__builtin_clz(a)) : 32; }
inline u32 prmt(u32 a, u32 b, u32 select) {
  const u64 bytes = a | (u64{b} << 32);
  u32 result = 0;
  for (int k = 0; k < 4; ++k) {
    const u32 chosen = (select >> (4 * k)) & 15;
    u32 byte = (bytes >> (8 * (chosen & 7))) & 255;
    if (chosen & 8) byte = byte & 128 ? 255 : 0;
    result |= byte << (8 * k);
  }
  return result;
}
inline u32 lop3(u32 a, u32 b, u32 c, u32 table) {
  u32 result = 0;
  for (int k = 0; k < 8; ++k) {
    if (table >> k & 1) result |= (k & 4 ? a : ~a) & (k & 2 ? b : ~b) & (k & 1 ? c : ~c);
  }
  return result;
}
template <class T>
T bfe(T a, u32 from, u32 length) {
  from &= 255, length &= 255;
  if (length == 0) return T{0};
  const u32 last = from + length - 1 < kBits<T> - 1 ? from + length - 1 : kBits<T> - 1;
  u64 result = 0;
  const bool sign = kSigned<T> && (uint64_t(a) >> last & 1);
  for (u32 k = 0; k < kBits<T>; ++k) {
    const bool bit = k < length && from + k < kBits<T> ? uint64_t(a) >> (from + k) & 1 : sign;
    result |= u64{bit} << k;
  }
  return static_cast<T>(result);
}
// Four products of bytes and a sum; each side has a sign or none.
template <class A, class B>
u32 dp4a(u32 a, u32 b, u32 c) {
  using Sides = typename Either<kSigned<A>, s8, u8>::Type;
  using Others = typename Either<kSigned<B>, s8, u8>::Type;
  for (int k = 0; k < 4; ++k) {
    const s32 x = static_cast<Sides>(a >> (8 * k)), y = static_cast<Others>(b >> (8 * k));
    c += static_cast<u32>(x * y);
  }
  return c;
}

// ---- memory ---------------------------------------------------------------------------------

using Space = void* (machine::Machine::*)(Thread&, uint64_t, uint32_t, Access, int32_t);
constexpr Space kGlobal = &machine::Machine::global;
constexpr Space kShared = &machine::Machine::shared;

template <Space S>
void* at(Thread& thread, uint64_t address, uint32_t bytes, Access access, int32_t line) {
  return (thread.machine->*S)(thread, address, bytes, access, line);
}

// A vector is one access, whose address is a multiple of its size (6.4.1).
template <Space S, class T, class... R>
void load(Thread& thread, int32_t line, uint64_t address, R&... into) {
  T values[sizeof...(R)];
  std::memcpy(values, at<S>(thread, address, sizeof values, kLoad, line), sizeof values);
  int k = 0;
  ((into = static_cast<R>(values[k++])), ...);
}

template <Space S, class T, class... R>
void store(Thread& thread, int32_t line, uint64_t address, R... given) {
  const T values[] = {static_cast<T>(given)...};
  std::memcpy(at<S>(thread, address, sizeof values, kStore, line), values, sizeof values);
}

template <class T> T atomic_add(T old, T b) { return add<T>(old, b); }
template <class T> T atomic_min(T old, T b) { return min<T>(old, b); }
template <class T> T atomic_max(T old, T b) { return max<T>(old, b); }
template <class T> T atomic_and(T old, T b) { return and_<T>(old, b); }
template <class T> T atomic_or(T old, T b) { return or_<T>(old, b); }
template <class T> T atomic_xor(T old, T b) { return xor_<T>(old, b); }
template <class T> T atomic_exch(T, T b) { return b; }

// Gives what was there.
template <Space S, class T>
T atomic(Thread& thread, int32_t line, uint64_t address, T (*operation)(T, T), T given) {
  void* place = at<S>(thread, address, sizeof(T), kAtomic, line);
  T old;
  std::memcpy(&old, place, sizeof old);
  const T result = operation(old, given);
  std::memcpy(place, &result, sizeof result);
  return old;
}

inline void barrier(Thread& thread, int32_t line) { thread.machine->barrier(thread, line); }

}  // namespace ptx
