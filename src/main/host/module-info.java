/** The host device for Linux on x86-64, a resource that {@code io.github.cudnn4j} finds. */
module io.github.cudnn4j.linux_x86_64 {}
