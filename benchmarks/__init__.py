"""Our figures beside other programs', from one run. Nothing of the product imports this."""
