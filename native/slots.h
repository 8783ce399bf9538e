// Numbered memory. TypeScript decides which slot is used when (it pools them); this side only maps numbers to
// addresses.
#pragma once
#include <cstddef>
#include <cstdint>
#include <vector>

namespace ag {

class Slots {
public:
  ~Slots();
  int allocate(size_t bytes);            // a slot number, or -1 when the machine has no memory left
  int lend(void* address, size_t bytes); // a slot of memory that stays its owner's
  void free(int slot);
  // Takes a slot's memory away; giveBack() returns it. Kept for the next allocation of its size, from any thread.
  void* take(int slot);
  static void giveBack(void* address, size_t bytes);
  // Asks for huge pages where fresh memory of others is about to be filled.
  static void useHugePages(void* address, size_t bytes);
  void* at(int slot) const { return slot < 0 ? nullptr : memory_[static_cast<size_t>(slot)].address; }
  size_t bytes(int slot) const { return memory_[static_cast<size_t>(slot)].bytes; }
  bool holds(int64_t slot) const {
    return slot >= 0 && slot < static_cast<int64_t>(memory_.size()) && memory_[static_cast<size_t>(slot)].address;
  }

private:
  struct Block {
    void* address;
    size_t bytes;
    bool lent;
  };
  int number(Block block);

  std::vector<Block> memory_;
  std::vector<int> free_; // numbers to use again
};

} // namespace ag
