"""Pictures of auctions: rendered anew from what is sent, and served to whoever may see the auction."""
