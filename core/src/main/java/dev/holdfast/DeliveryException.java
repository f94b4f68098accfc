package dev.holdfast;

/** A message was not sent, or nobody can say whether it arrived. */
public final class DeliveryException extends RuntimeException {
    private static final long serialVersionUID = 1L;

    private final transient Delivery delivery;

    DeliveryException(Delivery delivery, String reason) {
        super("message " + delivery.id() + " is " + delivery.state() + ": " + reason);
        this.delivery = delivery;
    }

    /** What is known of it. */
    public Delivery delivery() {
        return delivery;
    }
}
