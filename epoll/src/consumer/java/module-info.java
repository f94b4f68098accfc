/** An application that has never heard of epoll: it requires Holdfast and nothing else. */
module consumer {
    requires dev.holdfast;
}
