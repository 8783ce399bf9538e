// The CUDA addon: a second command block for kernels on an NVIDIA GPU (native/addon.cc is its CPU sister). It is a
// module of its own, so that the CPU addon stays small and a machine without CUDA misses nothing; it loads without a
// GPU or driver.
#include <napi.h>

#include <string>
#include <vector>

#include "../command.h"
#include "runtime.h"

namespace ag {
namespace cuda {
namespace {

class Instance {
public:
  explicit Instance(Napi::Env env) {
    auto words = Napi::Int32Array::New(env, kCommandWords);
    auto reals = Napi::Float64Array::New(env, kMaxReals);
    words_ = words.Data();
    reals_ = reals.Data();
    wordsHandle_ = Napi::Persistent(words);
    realsHandle_ = Napi::Persistent(reals);
    for (const auto& family : families()) {
      for (int k = 0; k < family.count; ++k) {
        const auto& entry = family.entries[k];
        names_.push_back(entry.name);
        bodies_.insert(bodies_.end(), {entry.f32, entry.f64, entry.i32});
      }
    }
  }

  void run() {
    void* buffers[kMaxBuffers];
    for (int k = 0; k < kMaxBuffers; ++k) {
      const int slot = words_[kBuffers + k];
      if (slot == -2) break; // end of the list
      buffers[k] = runtime.at(slot);
    }
    const Call call = {buffers, words_ + kInts, reals_, runtime.at(words_[kWork]), runtime.stream()};
    words_[kStatus] = bodies_[static_cast<size_t>(words_[kKernel])](call);
  }

  const std::vector<std::string>& names() const { return names_; }
  const std::vector<Body>& bodies() const { return bodies_; }
  Napi::Value words() const { return wordsHandle_.Value(); }
  Napi::Value reals() const { return realsHandle_.Value(); }

  Runtime runtime;

private:
  int32_t* words_;
  double* reals_;
  Napi::Reference<Napi::Int32Array> wordsHandle_;
  Napi::Reference<Napi::Float64Array> realsHandle_;
  std::vector<Body> bodies_;
  std::vector<std::string> names_;
};

Instance& instanceOf(const Napi::CallbackInfo& info) { return *static_cast<Instance*>(info.Data()); }

// The hot path, in plain Node-API.
napi_value run(napi_env env, napi_callback_info info) {
  void* data;
  napi_get_cb_info(env, info, nullptr, nullptr, nullptr, &data);
  static_cast<Instance*>(data)->run();
  return nullptr;
}

Napi::Value status(const Napi::CallbackInfo& info, int code) { return Napi::Number::New(info.Env(), code); }

void refuse(const Napi::CallbackInfo& info, const char* message) {
  Napi::RangeError::New(info.Env(), message).ThrowAsJavaScriptException();
}

int slotOf(const Napi::CallbackInfo& info) {
  const int64_t slot = info[0].As<Napi::Number>().Int64Value();
  if (instanceOf(info).runtime.holds(slot)) return static_cast<int>(slot);
  refuse(info, "atomgrad cuda: no such slot");
  return -1;
}

Napi::Value present(const Napi::CallbackInfo& info) { return Napi::Boolean::New(info.Env(), cuda::present()); }

// open(ordinal): 0, or a CUDA error code. Once per environment.
Napi::Value open(const Napi::CallbackInfo& info) {
  auto& runtime = instanceOf(info).runtime;
  return status(info, runtime.isOpen() ? 0 : runtime.open(info[0].As<Napi::Number>().Int32Value()));
}

Napi::Value deviceName(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), instanceOf(info).runtime.name());
}

Napi::Value errorText(const Napi::CallbackInfo& info) {
  return Napi::String::New(info.Env(), cuda::errorText(info[0].As<Napi::Number>().Int32Value()));
}

// allocate(bytes): a slot, or minus a CUDA error code.
Napi::Value allocate(const Napi::CallbackInfo& info) {
  int slot = 0;
  const auto bytes = static_cast<size_t>(info[0].As<Napi::Number>().DoubleValue());
  const int code = instanceOf(info).runtime.allocate(bytes, &slot);
  return status(info, code == 0 ? slot : -code);
}

Napi::Value release(const Napi::CallbackInfo& info) {
  const int slot = slotOf(info);
  return status(info, slot < 0 ? 0 : instanceOf(info).runtime.free(slot));
}

// copy(slot, typedArray, toSlot): the first bytes of the slot to or from the whole array; 0 or a CUDA error code.
Napi::Value copy(const Napi::CallbackInfo& info) {
  const int slot = slotOf(info);
  if (slot < 0) return status(info, 0);
  auto array = info[1].As<Napi::TypedArray>();
  const size_t bytes = array.ByteLength();
  auto& runtime = instanceOf(info).runtime;
  if (bytes > runtime.bytes(slot)) {
    refuse(info, "atomgrad cuda: copy beyond the slot");
    return status(info, 0);
  }
  if (bytes == 0) return status(info, 0);
  auto* host = static_cast<uint8_t*>(array.ArrayBuffer().Data()) + array.ByteOffset();
  return status(info, info[2].ToBoolean() ? runtime.toDevice(slot, host, bytes) : runtime.toHost(slot, host, bytes));
}

// fill(slot, byte): every byte of the slot; 0xff makes NaN of any float type.
Napi::Value fill(const Napi::CallbackInfo& info) {
  const int slot = slotOf(info);
  const int byte = info[1].As<Napi::Number>().Int32Value();
  return status(info, slot < 0 ? 0 : instanceOf(info).runtime.fill(slot, byte));
}

// [[name, types]...]: types is a bit set of the number types the kernel has (1 f32, 2 f64, 4 i32).
Napi::Value kernels(const Napi::CallbackInfo& info) {
  auto& instance = instanceOf(info);
  auto list = Napi::Array::New(info.Env());
  for (size_t k = 0; k < instance.names().size(); ++k) {
    int types = 0;
    for (size_t t = 0; t < 3; ++t)
      if (instance.bodies()[3 * k + t]) types |= 1 << t;
    auto pair = Napi::Array::New(info.Env(), 2);
    pair.Set(0u, Napi::String::New(info.Env(), instance.names()[k]));
    pair.Set(1u, Napi::Number::New(info.Env(), types));
    list.Set(static_cast<uint32_t>(k), pair);
  }
  return list;
}

Napi::Object start(Napi::Env env, Napi::Object exports) {
  auto* instance = new Instance(env);
  env.SetInstanceData(instance); // deleted with the environment: workers come and go
  napi_value runner;
  napi_create_function(env, "run", NAPI_AUTO_LENGTH, run, instance, &runner);
  exports.Set("run", Napi::Value(env, runner));
  exports.Set("words", instance->words());
  exports.Set("reals", instance->reals());
  auto add = [&](const char* name, auto f) { exports.Set(name, Napi::Function::New(env, f, name, instance)); };
  add("present", present);
  add("open", open);
  add("deviceName", deviceName);
  add("errorText", errorText);
  add("allocate", allocate);
  add("release", release);
  add("copy", copy);
  add("fill", fill);
  add("kernels", kernels);
  return exports;
}

} // namespace
} // namespace cuda
} // namespace ag

static Napi::Object Init(Napi::Env env, Napi::Object exports) { return ag::cuda::start(env, exports); }
NODE_API_MODULE(atomgrad_cuda, Init)
